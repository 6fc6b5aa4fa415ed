"""A plugin of pytest by which a run has PyMySQL instead of mysqlclient: `-p tests.with_pymysql`."""

import pymysql

pymysql.install_as_MySQLdb()
