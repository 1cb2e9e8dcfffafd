#!/usr/bin/env python3
"""Makes the same input for our programs and for other engines, from what ../shared/bench/gen.py generated.

    prepare.py events IN.parquet OUT      OUT.parquet, OUT.records, OUT.json
    prepare.py ndjson IN.parquet OUT      OUT.ndjson as gen.py writes it
    prepare.py cube   IN.parquet OUT      OUT.records, OUT.json, OUT.csv

Our linking rules differ from those of the other engines' queries: an explicit parent that is not there, or not in the
window, never falls back to another one here, and does there.  So that the rules coincide, such references are removed
for everybody, and of events of one user at the same millisecond only the first stays, since which of two is "the latest"
is not defined there.  JSON: how much was changed, and for a cube the answers, computed naively.
"""
import json, sys
import numpy as np, pyarrow as pa, pyarrow.compute as pc, pyarrow.csv, pyarrow.parquet as pq

DAY = 86_400_000
CLICK_WINDOW, CONVERSION_WINDOW = DAY, 30 * DAY
FIXED = [("id", "<u8"), ("user", "<u8"), ("impression", "<u8"), ("click", "<u8"), ("at", "<i8"), ("received", "<i8"),
         ("cost", "<i8"), ("value", "<i8"), ("campaign", "<u4"), ("ad", "<u4"), ("kind", "u1"), ("service", "u1"),
         ("placement", "u1"), ("country", "u1"), ("device", "u1"), ("pad", "u1", 3)]
CELL = [("impressions", "<i8"), ("clicks", "<i8"), ("conversions", "<i8"), ("cost", "<i8"), ("value", "<i8"),
        ("hour", "<i4"), ("campaign", "<u4"), ("ad", "<u4"), ("service", "u1"), ("placement", "u1"), ("country", "u1"),
        ("device", "u1")]
KINDS = ["impression", "click", "conversion"]


def numbers(column):
    return column.combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)


def coded(column):
    """Codes and names of a text column."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def checked_references(ids, at, children, references, parents, window):
    """References of `children` to `parents`, without those that lead nowhere or outside of the window."""
    order = np.argsort(ids[parents], kind="stable")
    known, times = ids[parents][order], at[parents][order]
    place = np.clip(np.searchsorted(known, references), 0, len(known) - 1)
    age = at[children] - times[place]
    fits = (known[place] == references) & (age >= 0) & (age <= window)
    return np.where(fits, references, 0)


def events(source, out):
    table = pq.read_table(source)
    ids, at, user = (numbers(table[name]) for name in ("event_id", "ts", "user_id"))
    kind = pc.index_in(table["kind"], pa.array(KINDS)).combine_chunks().to_numpy(zero_copy_only=False).astype(np.uint8)
    # Of different events of one user at one time the one that arrives first stays, with its duplicates.
    moment = np.lexsort((np.arange(len(ids)), at, user))
    first = np.ones(len(ids), bool)
    first[1:] = (user[moment][1:] != user[moment][:-1]) | (at[moment][1:] != at[moment][:-1])
    owner = ids[moment][np.maximum.accumulate(np.where(first, np.arange(len(ids)), 0))]
    keep = np.empty(len(ids), bool)
    keep[moment] = ids[moment] == owner
    table = table.filter(pa.array(keep))
    ids, at, user, kind = ids[keep], at[keep], user[keep], kind[keep]
    impression, click = numbers(table["impression_id"]).copy(), numbers(table["click_id"]).copy()
    before = int((impression != 0).sum() + (click != 0).sum())
    clicks, conversions = kind == 1, kind == 2
    impression[clicks] = checked_references(ids, at, clicks, impression[clicks], kind == 0, CLICK_WINDOW)
    click[conversions] = checked_references(ids, at, conversions, click[conversions], clicks, CONVERSION_WINDOW)
    removed = before - int((impression != 0).sum() + (click != 0).sum())
    for name, values in (("impression_id", impression), ("click_id", click)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, mask=values == 0))
    pq.write_table(table, out + ".parquet", row_group_size=1_000_000, compression="zstd")

    records = np.zeros(len(ids), dtype=FIXED)
    names = {}
    for ours, theirs, plural in (("service",) * 2 + ("services",), ("placement",) * 2 + ("placements",),
                                 ("country",) * 2 + ("countries",), ("device",) * 2 + ("devices",)):
        records[ours], names[plural] = coded(table[theirs])
    for ours, values in (("id", ids), ("user", user), ("impression", impression), ("click", click), ("at", at),
                         ("received", np.maximum.accumulate(at) + 50), ("kind", kind)):
        records[ours] = values
    for ours, theirs in (("cost", "cost_micros"), ("value", "revenue_micros"), ("campaign", "campaign_id"), ("ad", "ad_id")):
        records[ours] = numbers(table[theirs])
    write(out, names, records)
    note(out, {"events": len(ids), "events_dropped": int((~keep).sum()), "references_removed": removed})


def ndjson(source, out):
    """As gen.py writes it, without holding everything as Python objects."""
    with open(out + ".ndjson", "w") as file:
        for batch in pq.ParquetFile(source).iter_batches(100_000):
            for r in batch.to_pylist():
                line = (f'{{"event_id":"{r["event_id"]:016x}","ts":{r["ts"]},"kind":"{r["kind"]}","service":"{r["service"]}",'
                        f'"campaign_id":{r["campaign_id"]},"ad_id":{r["ad_id"]},"placement":"{r["placement"]}",'
                        f'"user_id":"{r["user_id"]:016x}","country":"{r["country"]}","device":"{r["device"]}"')
                for name in ("impression_id", "click_id"):
                    if r[name]:
                        line += f',"{name}":"{r[name]:016x}"'
                file.write(f'{line},"cost_micros":{r["cost_micros"]},"revenue_micros":{r["revenue_micros"]}}}\n')


def cube(source, out):
    table = pq.read_table(source)
    records = np.zeros(table.num_rows, dtype=CELL)
    names = {}
    for ours, plural in (("service", "services"), ("placement", "placements"), ("country", "countries"), ("device", "devices")):
        records[ours], names[plural] = coded(table[ours])
    for ours, theirs in (("impressions",) * 2, ("clicks",) * 2, ("conversions",) * 2, ("cost", "cost_micros"),
                         ("value", "revenue_micros"), ("campaign", "campaign_id"), ("ad", "ad_id")):
        records[ours] = numbers(table[theirs])
    records["hour"] = numbers(table["hour"]) // 3_600_000
    pa.csv.write_csv(table, out + ".csv")
    write(out, names, records)

    def grouped(rows, by, top=None):
        keys = np.unique(rows[by], return_inverse=True)
        sums = {}
        for ours, api in (("impressions",) * 2, ("clicks",) * 2, ("conversions",) * 2, ("cost", "cost_micros"), ("value", "value_micros")):
            total = np.zeros(len(keys[0]), np.int64)
            np.add.at(total, keys[1], rows[ours])
            sums[api] = total
        chosen = slice(None) if top is None else np.argsort(-sums["cost_micros"], kind="stable")[:top]
        return {"rows": len(keys[0][chosen]), **{name: int(total[chosen].sum()) for name, total in sums.items()}}

    place = {plural: {name: i for i, name in enumerate(listed)} for plural, listed in names.items()}
    some = np.isin(records["country"], [place["countries"][c] for c in ("US", "GB", "DE")])
    note(out, {"cells": table.num_rows, "answers": {
        "q1": grouped(records[some & (records["service"] == place["services"]["ios_app"])], ["campaign"]),
        "q2": grouped(records, ["ad"], 20),
        "q3": grouped(records[records["campaign"] == 1010], ["hour"]),
        "q4": grouped(records, ["country", "device"])}})


def write(out, names, records):
    with open(out + ".records", "wb") as file:
        file.write(json.dumps(names).encode() + b"\n")
        records.tofile(file)


def note(out, what):
    with open(out + ".json", "w") as file:
        json.dump(what, file)
    print(json.dumps(what))


{"events": events, "ndjson": ndjson, "cube": cube}[sys.argv[1]](sys.argv[2], sys.argv[3])
