"""MySQL and MariaDB: quotes, comments, DELIMITER, sql_mode, and bodies without DELIMITER."""

import pytest

from django_jetbase.backends.mysql.lexicon import MySQLLexicon
from django_jetbase.sql.scanner import scan

from .test_scanner import cases, texts

TEXT = [
    ("backslash in a string", r"SELECT 'a\';b\\'; SELECT 2", [r"SELECT 'a\';b\\'", "SELECT 2"]),
    ("string in double quotes", r'SELECT "a\";b""c"; SELECT 2', [r'SELECT "a\";b""c"', "SELECT 2"]),
    ("backticks", r"SELECT `a;``\`; SELECT 2", [r"SELECT `a;``\`", "SELECT 2"]),
    ("hash comment", "# it's; \nSELECT 1 # ; '\n; SELECT 2", ["SELECT 1 # ; '", "SELECT 2"]),
    ("dashes with a blank", "SELECT 1 -- ; '\n; SELECT 2", ["SELECT 1 -- ; '", "SELECT 2"]),
    ("dashes without a blank", "SELECT 5--1; SELECT 2", ["SELECT 5--1", "SELECT 2"]),
    ("dashes and nothing else", "SELECT 1;\n--\nSELECT 2;\n--", ["SELECT 1", "SELECT 2"]),
    ("dashes and a no-break space", "SELECT 5--\xa0; SELECT 2", ["SELECT 5--\xa0", "SELECT 2"]),
    ("comments do not nest", "/* /* */ SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("version comment", "/*!40101 SET a=1 */; SELECT 2", ["/*!40101 SET a=1 */", "SELECT 2"]),
    (
        "MariaDB's version comment",
        "/*M!100100 SET a */;SELECT 2",
        ["/*M!100100 SET a */", "SELECT 2"],
    ),
    (
        "version comment with strings",
        "/*! SELECT '*/;', `*/;`, \"*/;\" */; SELECT 2",
        ["/*! SELECT '*/;', `*/;`, \"*/;\" */", "SELECT 2"],
    ),
    (
        "version comment with comments",
        "/*! SELECT /* ; */ 1 -- */ ;\n */; SELECT 2",
        ["/*! SELECT /* ; */ 1 -- */ ;\n */", "SELECT 2"],
    ),
    (
        "version comment with a body",
        "/*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a=1; END */;b",
        [
            "/*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a=1; END */",
            "b",
        ],
    ),
    ("hint inside", "SELECT /*+ BKA(t) */ 1; SELECT 2", ["SELECT /*+ BKA(t) */ 1", "SELECT 2"]),
    ("transaction", "BEGIN; SELECT 1; COMMIT", ["BEGIN", "SELECT 1", "COMMIT"]),
    ("XA", "XA BEGIN 'a'; XA END 'a'; SELECT 2", ["XA BEGIN 'a'", "XA END 'a'", "SELECT 2"]),
]


@pytest.mark.parametrize(("sql", "expected"), cases(TEXT))
def test_text(sql, expected):
    assert texts(sql, "mysql") == expected


DELIMITER = [
    ("slashes", "DELIMITER //\na; b//\n c/d//\ndelimiter ;\ne; f", ["a; b", "c/d", "e", "f"]),
    ("dollars", "DELIMITER $$\na;$b$$\nDELIMITER ;\nc;", ["a;$b", "c"]),
    ("two semicolons", "DELIMITER ;;\na; b;;\nDELIMITER ;\nc;", ["a; b", "c"]),
    ("bar", "delimiter |\na;|b|\ndelimiter ;\nc", ["a;", "b", "c"]),
    ("bars", "DELIMITER ||\na | b||\nDELIMITER ;\nc", ["a | b", "c"]),
    ("dashes", "DELIMITER --\na; b--\nc--\nDELIMITER ;\nd", ["a; b", "c", "d"]),
    ("letters", "DELIMITER go\na; b\ngo\ncgo\nDELIMITER ;\nd", ["a; b", "c", "d"]),
    ("quoted", "DELIMITER '//'\na;//\nDELIMITER ;\nb", ["a;", "b"]),
    ("anywhere in a line", "DELIMITER //\na // b // c", ["a", "b", "c"]),
    ("not in quotes", "DELIMITER //\na '//' `//` \"//\" // b", ["a '//' `//` \"//\"", "b"]),
    (
        "not in comments",
        "DELIMITER //\na -- //\n/* // */ # //\n// b",
        ["a -- //\n/* // */ # //", "b"],
    ),
    ("comment behind it", "DELIMITER // -- slashes\na;//\nb", ["a;", "b"]),
    ("indented and with CRLF", "  DELIMITER\t//\r\na;//\r\nDELIMITER ;\r\nb;\r\n", ["a;", "b"]),
    ("behind a statement", "a; DELIMITER //\nb;//\nc", ["a", "b;", "c"]),
    ("ends an open statement", "DELIMITER //\na;\nb\nDELIMITER ;\nc; d", ["a;\nb", "c", "d"]),
    (
        "column of that name",
        "SELECT delimiter FROM t; SELECT 2",
        ["SELECT delimiter FROM t", "SELECT 2"],
    ),
    (
        "bodies of a dump",
        "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER x AFTER INSERT"
        " ON t FOR EACH ROW BEGIN SET @a=1; END */;;\nDELIMITER ;\nb;",
        [
            "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER x AFTER INSERT"
            " ON t FOR EACH ROW BEGIN SET @a=1; END */",
            "b",
        ],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), cases(DELIMITER))
def test_delimiter(sql, expected):
    assert texts(sql, "mysql") == expected


HEAD = "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW"
BODIES = [
    ("block", "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END"),
    ("empty block", "create procedure p()\nbegin\nend"),
    ("nested blocks", "CREATE PROCEDURE p() BEGIN BEGIN SELECT 1; END; BEGIN END; SELECT 2; END"),
    (
        "statement IF and function IF",
        "CREATE PROCEDURE p() BEGIN IF IF(a, 1, 0) THEN SELECT IF(a, 1, 2); ELSEIF b THEN SET c=1;"
        " ELSE IF d THEN SELECT 3; END IF; END IF; END",
    ),
    (
        "statement REPEAT and function REPEAT",
        "CREATE PROCEDURE p() BEGIN SET a = REPEAT('x', 3); REPEAT SET a = REPEAT(a, 2);"
        " UNTIL LENGTH(REPEAT(a, 2)) > 9 END REPEAT; END",
    ),
    (
        "expression CASE in a condition",
        "CREATE PROCEDURE p() BEGIN IF CASE WHEN a THEN 1 ELSE CASE b WHEN 1 THEN 2 END END THEN"
        " SELECT 1; END IF; END",
    ),
    (
        "statement CASE",
        "CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN SELECT 1; WHEN CASE b WHEN 1 THEN 2 END THEN"
        " SELECT CASE WHEN c THEN 1 END; ELSE BEGIN END; END CASE; END",
    ),
    ("statement CASE alone", "CREATE PROCEDURE p() CASE WHEN a THEN SELECT 1; END CASE"),
    (
        "loops with labels",
        "CREATE PROCEDURE p() a: BEGIN b: LOOP LEAVE b; END LOOP b; `c d` : WHILE x DO ITERATE"
        " `c d`; END WHILE; e:REPEAT SET @z := 1; UNTIL y END REPEAT e; END a",
    ),
    (
        "FOR loops",
        "CREATE PROCEDURE p() BEGIN FOR i IN 1..3 DO SELECT i; END FOR; FOR r IN (SELECT a FROM t)"
        " DO SELECT r.a; END FOR; END",
    ),
    (
        "handlers",
        "CREATE PROCEDURE p() BEGIN DECLARE a INT; DECLARE c CURSOR FOR SELECT 1;"
        " DECLARE CONTINUE HANDLER FOR NOT FOUND SET a = 1;"
        " DECLARE EXIT HANDLER FOR SQLSTATE VALUE '23000', SQLSTATE \"01000\", 1062, SQLEXCEPTION"
        " BEGIN ROLLBACK; RESIGNAL; END;"
        " DECLARE UNDO HANDLER FOR cond IF a THEN SELECT 1; END IF; SELECT 2; END",
    ),
    (
        "columns named begin and end",
        "CREATE PROCEDURE p() BEGIN SELECT t.begin, t . end, @end; END",
    ),
    ("quoted keywords", "CREATE PROCEDURE p() BEGIN SELECT `end`, 'END;', \"BEGIN\"; END"),
    ("comments", "CREATE/* ; */PROCEDURE p() -- BEGIN ;\nBEGIN # END;\nSELECT 1 /* END; */; END"),
    ("keyword as a name", "CREATE PROCEDURE begin() SELECT 1"),
    ("another keyword as a name", "CREATE PROCEDURE `a;b`.`begin` () BEGIN SELECT 1; END"),
    ("event named do", "CREATE EVENT do ON SCHEDULE EVERY 1 DAY DO SET @a = 1"),
    ("parameters", "CREATE PROCEDURE p(IN begin INT, b SET('(', ')'), c DECIMAL(9, 2)) BEGIN END"),
    ("one statement", "CREATE PROCEDURE p() DROP TABLE IF EXISTS t"),
    (
        "one insert",
        "CREATE PROCEDURE p() INSERT INTO t VALUES (IF(1, 2, 3)) ON DUPLICATE KEY UPDATE a=1",
    ),
    (
        "characteristics",
        "CREATE OR REPLACE DEFINER = CURRENT_USER() PROCEDURE IF NOT EXISTS p() COMMENT 'BEGIN;'"
        " LANGUAGE SQL NOT DETERMINISTIC READS SQL DATA SQL SECURITY INVOKER BEGIN SELECT 1; END",
    ),
    ("definer", "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN SELECT 1; END"),
    (
        "definer in a version comment",
        "CREATE /*!50017 DEFINER=`a`@`%`*/ PROCEDURE p() BEGIN SELECT 1; END",
    ),
    ("function", "CREATE FUNCTION f() RETURNS INT BEGIN RETURN 1; END"),
    (
        "function of one RETURN",
        "CREATE FUNCTION f(a INT) RETURNS INT RETURN IF(a, CASE a WHEN 1 THEN 2 END, 3)",
    ),
    (
        "character set",
        "CREATE FUNCTION f() RETURNS VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin BEGIN"
        " RETURN 'a'; END",
    ),
    ("char set", "CREATE FUNCTION f() RETURNS CHAR(9) CHAR /* */ SET utf8 BEGIN RETURN 'a'; END"),
    (
        "returns a set",
        "CREATE FUNCTION f() RETURNS SET('a', 'b') DETERMINISTIC BEGIN RETURN 'a'; END",
    ),
    ("loadable function", "CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'f.so'"),
    (
        "aggregate function",
        "CREATE AGGREGATE FUNCTION f() RETURNS INT BEGIN LOOP FETCH GROUP NEXT ROW; END LOOP; END",
    ),
    ("trigger", f"{HEAD} BEGIN SET NEW.a = 1; SET NEW.b = 2; END"),
    ("trigger of one statement", f"{HEAD} SET NEW.a = IF(NEW.b, 1, 2)"),
    ("trigger of one IF", f"{HEAD} IF NEW.a THEN SET NEW.b = 1; END IF"),
    ("trigger after another", f"{HEAD} FOLLOWS `y` BEGIN SET @a = 1; END"),
    ("trigger before another", f"{HEAD} PRECEDES y IF NEW.a THEN SET @b = 1; END IF"),
    (
        "event",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'DO' DO BEGIN SELECT 1; SELECT 2; END",
    ),
    (
        "event of one statement",
        "CREATE EVENT IF NOT EXISTS e ON SCHEDULE AT NOW() DO DELETE FROM t",
    ),
    ("altered event", "ALTER DEFINER = a@b EVENT e ON COMPLETION PRESERVE DO BEGIN SELECT 1; END"),
    ("renamed event", "ALTER EVENT e RENAME TO f"),
    ("altered procedure", "ALTER PROCEDURE p COMMENT 'BEGIN'"),
    ("anonymous block", "BEGIN NOT ATOMIC SELECT 1; BEGIN NOT ATOMIC SELECT 2; END; END"),
    ("IF without a routine", "IF a THEN SELECT 1; ELSE SELECT 2; END IF"),
    ("LOOP without a routine", "LOOP SELECT 1; SELECT 2; END LOOP"),
    ("WHILE without a routine", "WHILE a DO SELECT 1; END WHILE"),
    ("FOR without a routine", "FOR i IN 1..2 DO SELECT i; END FOR"),
    ("CASE without a routine", "CASE a WHEN 1 THEN SELECT 1; END CASE"),
    ("REPEAT without a routine", "REPEAT SELECT 1; UNTIL a END REPEAT"),
    ("prepared in a body", "CREATE PROCEDURE p() BEGIN PREPARE s FROM 'BEGIN;'; EXECUTE s; END"),
    (
        "transaction in a body",
        "CREATE PROCEDURE p() BEGIN START TRANSACTION; COMMIT; XA END 'a'; END",
    ),
    ("table", "CREATE TABLE `procedure` (begin INT, end INT, function INT)"),
    ("view", "CREATE ALGORITHM=MERGE DEFINER=a@b VIEW v AS SELECT CASE WHEN 1 THEN 2 END AS end"),
]


@pytest.mark.parametrize("sql", cases(BODIES))
def test_body(sql):
    assert texts(f"SELECT 0; {sql}; SELECT 2", "mysql") == ["SELECT 0", sql, "SELECT 2"]


@pytest.mark.parametrize("sql", cases(BODIES))
def test_body_at_the_end_of_the_file(sql):
    assert texts(f"{sql}\n", "mysql") == [sql]


MODES = [
    (
        "ANSI_QUOTES",
        r"""SET sql_mode='ANSI_QUOTES'; SELECT "a\"; SET sql_mode = ''; SELECT "\";"; SELECT 2""",
        [
            "SET sql_mode='ANSI_QUOTES'",
            r'SELECT "a\"',
            "SET sql_mode = ''",
            r'SELECT "\";"',
            "SELECT 2",
        ],
    ),
    (
        "NO_BACKSLASH_ESCAPES",
        r"SET @@session.sql_mode := 'A,NO_BACKSLASH_ESCAPES'; SELECT '\'; SET sql_mode=DEFAULT;"
        r" SELECT '\';'",
        [
            "SET @@session.sql_mode := 'A,NO_BACKSLASH_ESCAPES'",
            r"SELECT '\'",
            "SET sql_mode=DEFAULT",
            r"SELECT '\';'",
        ],
    ),
    (
        "name of a mode",
        r'SET sql_mode=ANSI; SELECT "\"; SELECT 2',
        ["SET sql_mode=ANSI", r'SELECT "\"', "SELECT 2"],
    ),
    (
        "number of a mode",
        r'SET sql_mode=4; SELECT "\"; SELECT 2',
        ["SET sql_mode=4", r'SELECT "\"', "SELECT 2"],
    ),
    (
        "version comment of a dump",
        r"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ANSI' */; SELECT "
        r""""\"; /*!40101 SET SQL_MODE=@OLD_SQL_MODE */; SELECT "\";" """,
        [
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ANSI' */",
            r'SELECT "\"',
            "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
            r'SELECT "\";"',
        ],
    ),
    (
        "mode added",
        r"""SET sql_mode=CONCAT(@@sql_mode, ',ANSI_QUOTES'); SELECT "\"; SELECT '\';'""",
        ["SET sql_mode=CONCAT(@@sql_mode, ',ANSI_QUOTES')", r'SELECT "\"', r"SELECT '\';'"],
    ),
    (
        "mode taken away",
        r"""SET sql_mode=ANSI; SET sql_mode=REPLACE(@@sql_mode,'ANSI_QUOTES',''); SELECT "\";" """,
        [
            "SET sql_mode=ANSI",
            "SET sql_mode=REPLACE(@@sql_mode,'ANSI_QUOTES','')",
            r'SELECT "\";"',
        ],
    ),
    (
        "another session's mode",
        r"""SET GLOBAL sql_mode='ANSI'; SET @sql_mode='ANSI'; SELECT "\";" """,
        ["SET GLOBAL sql_mode='ANSI'", "SET @sql_mode='ANSI'", r'SELECT "\";"'],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), cases(MODES))
def test_sql_mode(sql, expected):
    assert texts(sql, "mysql") == expected


def test_sql_mode_of_the_connection():
    lexicon = MySQLLexicon().in_mode("ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
    sql = r"""SELECT "\"; SELECT '\'; SET sql_mode=''; SELECT '\';'; SET sql_mode=DEFAULT; a '\'"""
    assert [item.text for item in scan(sql, lexicon)] == [
        r'SELECT "\"',
        r"SELECT '\'",
        "SET sql_mode=''",
        r"SELECT '\';'",
        "SET sql_mode=DEFAULT",
        r"a '\'",
    ]
