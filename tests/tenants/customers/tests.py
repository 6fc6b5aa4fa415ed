from django.db import connection
from django_tenants.test.cases import TenantTestCase


class InATenant(TenantTestCase):
    def test_the_tests_of_the_project_go_on(self) -> None:
        assert connection.schema_name == self.tenant.schema_name
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('invoice')")
            assert cursor.fetchone() == (None,)
