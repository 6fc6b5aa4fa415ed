"""How the system catalogues of PostgreSQL define what is in a database."""

from typing import NamedTuple

FIRST_OID = 16384  # of what is made after initdb


def listed(array: str) -> str:
    """SQL for the elements of an array whose order does not matter; NULL where there are none."""
    return (
        "(SELECT string_agg(element, ', ' ORDER BY element)"
        f" FROM (SELECT unnest({array})::text) AS unsorted (element))"
    )


def told(char: str, **words: str) -> str:
    """SQL for what a letter in a catalogue stands for; NULL for those that are not named."""
    cases = " ".join(f"WHEN '{letter}' THEN '{word}'" for letter, word in words.items())
    return f"CASE {char} {cases} END"


def _enabled(char: str) -> str:
    return told(char, D="disabled", R="enabled on replicas", A="enabled always")


class Catalogue(NamedTuple):
    """How the rows of a catalogue, as x, define objects; a part that is NULL is not there."""

    name: str
    parts: tuple[str, ...] = ("NULL",)
    condition: str = f"x.oid >= {FIRST_OID}"

    @property
    def sql(self) -> str:
        return (
            f"SELECT '{self.name}'::regclass AS classid, x.oid AS objid, 0 AS objsubid,"
            f" concat_ws(' ', {', '.join(self.parts)}) AS definition FROM {self.name} AS x"
            f" WHERE {self.condition} AND x.oid NOT IN"
            f" (SELECT objid FROM others WHERE classid = '{self.name}'::regclass)"
        )


# Not what comes with something else, like the type of the rows of a table.
_NOT_IMPLIED = (
    f"x.oid >= {FIRST_OID} AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = x.oid"
    " AND classid = x.tableoid AND deptype = 'i')"
)
_RELATION = (
    told("x.relpersistence", u="unlogged"),
    "'using ' || (SELECT amname FROM pg_am WHERE oid = x.relam AND amtype = 't'"
    " AND amname <> 'heap')",
    "'of ' || nullif(x.reloftype, 0)::regtype",
    "'partition by ' || pg_get_partkeydef(x.oid)",
    "'inherits ' || "
    + listed("array(SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = x.oid)"),
    "pg_get_expr(x.relpartbound, x.oid)",
    "CASE WHEN x.relrowsecurity THEN 'row security' END",
    "CASE WHEN x.relforcerowsecurity THEN 'forced row security' END",
    "'replica identity ' || CASE WHEN x.relkind IN ('r', 'p', 'm') THEN "
    + told("x.relreplident", n="nothing", f="full", i="index")
    + " END",
    "'tablespace ' || (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace)",
    "'with ' || " + listed("x.reloptions"),
    "'toast with ' || " + listed("(SELECT reloptions FROM pg_class WHERE oid = x.reltoastrelid)"),
    "(SELECT concat_ws(' ', 'server', srvname, 'options ' || " + listed("ftoptions") + ")"
    " FROM pg_foreign_table JOIN pg_foreign_server AS s ON s.oid = ftserver WHERE ftrelid = x.oid)",
    "(SELECT concat_ws(' ', seqtypid::regtype, 'start', seqstart, 'increment', seqincrement,"
    " 'minimum', seqmin, 'maximum', seqmax, 'cache', seqcache, CASE WHEN seqcycle THEN 'cycle' END)"
    " FROM pg_sequence WHERE seqrelid = x.oid)",
    "(SELECT 'owned by ' || (pg_identify_object(refclassid, refobjid, refobjsubid)).identity"
    " FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = x.oid AND x.relkind = 'S'"
    " AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i'))",
    "(SELECT concat_ws(' ', CASE WHEN NOT indisvalid THEN 'invalid' END,"
    " CASE WHEN indisclustered THEN 'clustered' END,"
    " CASE WHEN indisreplident THEN 'replica identity' END, pg_get_indexdef(indexrelid))"
    " FROM pg_index WHERE indexrelid = x.oid)",
    "CASE WHEN x.relkind IN ('v', 'm') THEN pg_get_viewdef(x.oid) END",
)
_TYPE = (
    "'enum ' || (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)"
    " FROM pg_enum WHERE enumtypid = x.oid)",
    "CASE WHEN x.typtype = 'd' THEN format_type(x.typbasetype, x.typtypmod) END",
    "(SELECT 'collate ' || x.typcollation::regcollation FROM pg_type AS base"
    " WHERE oid = x.typbasetype AND typcollation <> x.typcollation)",
    "CASE WHEN x.typnotnull THEN 'not null' END",
    "'default ' || pg_get_expr(x.typdefaultbin, 0)",
    "(SELECT concat_ws(' ', 'range of', rngsubtype::regtype, 'multirange', rngmultitypid::regtype,"
    " 'collate ' || nullif(rngcollation, 0)::regcollation, 'canonical', rngcanonical, 'difference',"
    " rngsubdiff, (pg_identify_object('pg_opclass'::regclass, rngsubopc, 0)).identity)"
    " FROM pg_range WHERE rngtypid = x.oid)",
)
_ROUTINE = (
    "CASE WHEN x.prokind <> 'a' THEN pg_get_functiondef(x.oid) END",
    "(SELECT concat_ws(' ', 'state', aggtranstype::regtype, 'moving state',"
    " nullif(aggmtranstype, 0)::regtype, 'operator', nullif(aggsortop, 0)::regoperator, 'parallel',"
    " x.proparallel, to_jsonb(a)"
    " - array['aggfnoid', 'aggtranstype', 'aggmtranstype', 'aggsortop'])"
    " FROM pg_aggregate AS a WHERE aggfnoid = x.oid)",
)
_POLICY = (
    "CASE WHEN x.polpermissive THEN 'permissive' ELSE 'restrictive' END",
    "'for ' || " + told("x.polcmd", r="select", a="insert", w="update", d="delete"),
    "'to ' || "
    + listed(
        "array(SELECT coalesce(rolname, 'public') FROM unnest(x.polroles) AS role"
        " LEFT JOIN pg_roles ON oid = role)"
    ),
    "'using (' || pg_get_expr(x.polqual, x.polrelid) || ')'",
    "'with check (' || pg_get_expr(x.polwithcheck, x.polrelid) || ')'",
)
# Through JSON goes what older servers do not have.
_PUBLISHED = (
    "'columns ' || "
    + listed(
        "array(SELECT attname FROM pg_attribute WHERE attrelid = x.prrelid"
        " AND to_jsonb(x) -> 'prattrs' @> to_jsonb(attnum))"
    ),
    "'where ' || (SELECT to_jsonb(t) ->> 'rowfilter' FROM pg_publication_tables AS t"
    " JOIN pg_publication AS p USING (pubname) WHERE p.oid = x.prpubid"
    " AND format('%I.%I', schemaname, tablename)::regclass = x.prrelid)",
)
CATALOGUES = (
    Catalogue(
        "pg_database",
        (
            "'settings ' || (SELECT string_agg(concat_ws(' ', nullif(setrole, 0)::regrole,"
            " setting), ', ' ORDER BY nullif(setrole, 0)::regrole::text, setting)"
            " FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setdatabase = x.oid)",
        ),
        "x.datname = current_database()",
    ),
    Catalogue(
        "pg_namespace",
        condition=f"(x.oid >= {FIRST_OID} OR x.nspname = 'public') AND x.nspname !~ '^pg_'",
    ),
    Catalogue("pg_extension", ("x.extversion", "'in'", "x.extnamespace::regnamespace"), "true"),
    Catalogue(
        "pg_class",
        _RELATION,
        f"x.oid >= {FIRST_OID} AND x.relkind NOT IN ('c', 't')"
        " AND x.relnamespace <> 'pg_toast'::regnamespace",
    ),
    Catalogue("pg_type", _TYPE, _NOT_IMPLIED),
    Catalogue("pg_proc", _ROUTINE, _NOT_IMPLIED),
    Catalogue(
        "pg_constraint",
        (
            "pg_get_constraintdef(x.oid)",
            "CASE WHEN NOT x.conislocal THEN 'inherited' END",
            "CASE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = x.oid AND tgisinternal"
            " AND tgenabled <> 'O') THEN 'disabled' END",
        ),
        f"x.oid >= {FIRST_OID} AND x.contype <> 't'",
    ),
    Catalogue(
        "pg_trigger",
        (_enabled("x.tgenabled"), "pg_get_triggerdef(x.oid)"),
        f"x.oid >= {FIRST_OID} AND NOT x.tgisinternal",
    ),
    Catalogue(
        "pg_rewrite",
        (_enabled("x.ev_enabled"), "pg_get_ruledef(x.oid)"),
        f"x.oid >= {FIRST_OID} AND x.rulename <> '_RETURN'",
    ),
    Catalogue("pg_policy", _POLICY),
    Catalogue(
        "pg_statistic_ext",
        ("pg_get_statisticsobjdef(x.oid)", "'statistics ' || nullif(x.stxstattarget, -1)"),
    ),
    Catalogue(
        "pg_event_trigger",
        (
            _enabled("x.evtenabled"),
            "'on'",
            "x.evtevent",
            "'tags ' || " + listed("x.evttags"),
            "'execute'",
            "x.evtfoid::regprocedure",
        ),
    ),
    Catalogue(
        "pg_foreign_data_wrapper",
        (
            "'handler'",
            "x.fdwhandler::regproc",
            "'validator'",
            "x.fdwvalidator::regproc",
            "'options ' || " + listed("x.fdwoptions"),
        ),
    ),
    Catalogue(
        "pg_foreign_server",
        (
            "'wrapper ' || (SELECT fdwname FROM pg_foreign_data_wrapper WHERE oid = x.srvfdw)",
            "'type ' || x.srvtype",
            "'version ' || x.srvversion",
            "'options ' || " + listed("x.srvoptions"),
        ),
    ),
    Catalogue("pg_publication", ("to_jsonb(x) - array['oid', 'pubname', 'pubowner']",)),
    Catalogue("pg_publication_rel", _PUBLISHED),
    Catalogue(
        "pg_subscription",
        ("'publications ' || " + listed("x.subpublications"),),
        "x.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    ),
    Catalogue("pg_default_acl", (listed("x.defaclacl"),)),
)
