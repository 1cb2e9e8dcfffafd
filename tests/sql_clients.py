"""What stock clients do with a running worker: kylinpy, trino, and their SQLAlchemy dialects, read by pandas.

Usage: sql_clients.py HOST PORT TOKEN. Prints one JSON object per check; the caller compares.
"""

import inspect
import json
import sys
import urllib.request
import warnings

if not hasattr(inspect, "getargspec"):
    inspect.getargspec = inspect.getfullargspec
warnings.filterwarnings("ignore")

import pandas
import sqlalchemy
import trino
from kylinpy.kylinpy import Kylin

HOST, PORT, TOKEN = sys.argv[1], int(sys.argv[2]), sys.argv[3]
QUERY = "SELECT campaign, SUM(impressions) AS n FROM ad_stats GROUP BY campaign ORDER BY campaign"


def tell(name, value):
    print(json.dumps({"name": name, "value": value}, default=str), flush=True)


def failure(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def kylin():
    client = Kylin(HOST, username="anybody", password=TOKEN, port=PORT, project="adtally")
    tell("kylin authentication", client.service.get_authentication()["username"])
    tell("kylin projects", [project["name"] for project in client.projects()])
    tell("kylin tables", client.get_all_tables())
    tell("kylin columns", {c.name: c.datatype for c in client.get_table_source("ad_stats", "ads").columns})
    tell("kylin datasources", client.list_datasources())
    cube = client.get_datasource("ad_stats")
    tell("kylin dimensions", [d.name for d in cube.dimensions])
    tell("kylin measures", {m.name: m.expression for m in cube.measures})
    tell("kylin query", client.query(QUERY)["results"])
    tell("kylin limit", len(client.query(QUERY, limit=2)["results"]))
    tell("kylin error", failure(lambda: client.query("SELECT nothing FROM ad_stats")))
    stranger = Kylin(HOST, username="anybody", password="wrong", port=PORT, project="adtally")
    tell("kylin stranger", failure(stranger.projects))
    tell("kylin build", cube.fullbuild()["job_status"] in ("PENDING", "RUNNING", "FINISHED"))
    tell("kylin jobs", len(client.list_job()) > 0)

    define = urllib.request.Request(f"http://{HOST}:{PORT}/v1/cubes/daily", method="PUT", headers={"Authorization": f"Bearer {TOKEN}"})
    urllib.request.urlopen(define, json.dumps({"dimensions": ["campaign", "country"]}).encode()).close()
    tell("kylin cubes", sorted(client.list_datasources()))
    daily = client.get_datasource("daily")
    tell("kylin cube", [[d.name for d in daily.dimensions if "." in d.name][-2:], daily.fullbuild()["related_cube"]])

    engine = sqlalchemy.create_engine(f"kylin://anybody:{TOKEN}@{HOST}:{PORT}/adtally")
    frame = pandas.DataFrame(engine.execute(QUERY).fetchall(), columns=["campaign", "n"])
    tell("kylin pandas", [frame["n"].sum(), str(frame["n"].dtype)])
    inspector = sqlalchemy.inspect(engine)
    tell("kylin dialect tables", inspector.dialect.get_table_names(engine, "ads"))
    columns = inspector.dialect.get_columns(engine, "ad_stats", "ads")
    tell("kylin dialect columns", {c["name"]: str(c["type"]) for c in columns})
    day = 'CAST(FLOOR(CAST("day" AS TIMESTAMP) TO DAY) AS DATE)'
    superset = f'SELECT {day} AS __timestamp, SUM("clicks") AS "SUM(clicks)" FROM "ads"."ad_stats" WHERE "day" >= CAST(\'2026-03-01\' AS DATE) GROUP BY {day} ORDER BY "SUM(clicks)" DESC LIMIT 50000'
    tell("kylin superset", engine.execute(superset).fetchall().__len__() > 0)


def trino_client():
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connection = trino.dbapi.connect(host=HOST, port=PORT, user="anybody", catalog="adtally", schema="ads", http_headers=headers)
    cursor = connection.cursor()

    def rows(sql, params=None):
        cursor.execute(sql, params)
        return cursor.fetchall()

    tell("trino query", rows(QUERY))
    tell("trino description", [[c[0], c[1]] for c in cursor.description])
    tell("trino parameters", rows("SELECT ?, ?, ?, SUM(impressions) FROM ad_stats WHERE campaign = ?", ["it's", 1.5, None, "acme-0"]))
    tell("trino times", rows("SELECT MIN(day), MIN(hour), CAST(1.50 AS DECIMAL(10, 2)), true FROM ad_stats"))
    tell("trino show", [rows("SHOW CATALOGS"), rows("SHOW SCHEMAS"), rows("SHOW TABLES FROM ads"), len(rows("SHOW COLUMNS FROM ad_stats"))])
    tell("trino nothing", rows("SELECT campaign FROM ad_stats WHERE false"))
    tell("trino error", failure(lambda: rows("SELECT\n nothing FROM ad_stats")))
    tell("trino syntax", failure(lambda: rows("SELEC 1")))

    headed = {"host": HOST, "port": PORT, "user": "anybody", "catalog": "adtally", "schema": "ads", "http_headers": headers}
    prepared = trino.dbapi.connect(legacy_prepared_statements=True, **headed).cursor()
    prepared.execute("SELECT ?, SUM(impressions) FROM ad_stats WHERE campaign = ?", ["it's", "acme-0"])
    tell("trino prepared", prepared.fetchall())
    tell("trino described", [[column.name, column.type] for column in prepared.describe(QUERY)])
    with trino.dbapi.connect(isolation_level=trino.transaction.IsolationLevel.READ_COMMITTED, **headed) as held:
        opened = held.cursor()
        opened.execute(QUERY)
        tell("trino transaction", [opened.fetchall(), held.transaction is not None])
    rows("SET TIME ZONE 'Asia/Seoul'")
    tell("trino zone", [rows("SELECT MIN(day), MIN(hour) FROM ad_stats"), rows("SHOW SESSION")])
    rows("RESET SESSION time_zone_id")
    tell("trino property", failure(lambda: rows("SET SESSION query_max_run_time = '1m'")))

    tell("trino zone of a parameter", rows("SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE ?", ["Asia/Seoul"]))
    lost = trino.dbapi.connect(session_properties={"time_zone_id": "Nowhere"}, **headed).cursor()
    tell("trino zone unknown", failure(lambda: lost.execute("SELECT 1")))

    basic = trino.dbapi.connect(host=HOST, port=PORT, user="anybody", http_headers={"Authorization": "Bearer wrong"}).cursor()
    tell("trino stranger", failure(lambda: basic.execute("SELECT 1")))

    arguments = {"http_headers": headers, "http_scheme": "http"}
    engine = sqlalchemy.create_engine(f"trino://anybody@{HOST}:{PORT}/adtally/ads", connect_args=arguments)
    inspector = sqlalchemy.inspect(engine)
    tell("trino dialect schemas", inspector.get_schema_names())
    tell("trino dialect tables", sorted(inspector.get_table_names()))
    tell("trino dialect columns", {c["name"]: str(c["type"]) for c in inspector.get_columns("ad_stats")})
    table = sqlalchemy.Table("ad_stats", sqlalchemy.MetaData(), autoload_with=engine)
    n = sqlalchemy.func.sum(table.c.impressions).label("n")
    select = sqlalchemy.select([table.c.campaign, n]).where(table.c.country == "KR").group_by(table.c.campaign).order_by(table.c.campaign)
    with engine.connect() as opened:
        tell("trino dialect query", [list(row) for row in opened.execute(select)])
        frame = pandas.DataFrame(opened.execute(sqlalchemy.text(QUERY)).fetchall(), columns=["campaign", "n"])
    tell("trino pandas", [frame["n"].sum(), str(frame["n"].dtype)])


kylin()
trino_client()
