#!/usr/bin/env python3
"""compare.py SET_DIR DB [--fixed] [--tables a,b] [--strict] [--loose-numbers] [--org-detail full|vms] [--max-diffs N]

Compare the cache tables of a SQLite database with what VMS itself computed (SET_DIR/expected; stdlib only).
Object key order is ignored; floats within 1e-9 relative (1e-9 absolute near zero); an integer is not a float (VMS prints
them differently; --loose-numbers lets it pass); list order is significant except for the paths in RULES, where VMS's own
order is undefined (no or partial ORDER BY, or a Python set).
--strict   treats every list as ordered (shows whether VMS's *practical* order was reproduced).
--org-detail full (default): organization_detail_cache must hold what VMS computes for every organization and year;
           vms: only the rows that VMS manages to store itself (organizations without any event that year).
--fixed    the database was refreshed in fixed mode: typed rows of recent_volunteers_report_cache
           are compared with recent_volunteers_typed_fixed (not at all where a set lacks that file), and every event of
           a district's events_by_month must carry student_count = students and volunteer_count = volunteers.
district_engagement_reports is checked where the set has an expectation for it.
Rows beyond the expectation are an error, except those that a refresh may keep ready (MAY_BE_EXTRA).
Exit 0 only when everything is equal.
"""
import argparse
import gzip
import json
import os
import re
import sqlite3
import sys
from itertools import groupby

TABLES = {  # table: (key columns, json columns)
    "district_year_end_reports": (["school_year", "host_filter", "district_id"], ["report_data", "events_data"]),
    "organization_reports": (["school_year", "organization_id"],
                             ["summary_stats", "in_person_events_data", "virtual_events_data",
                              "cancelled_events_data", "volunteers_data"]),
    "organization_summary_cache": (["school_year"], ["organizations_data"]),
    "organization_detail_cache": (["school_year", "organization_id"],
                                  ["in_person_events", "virtual_events", "cancelled_events", "volunteers_data",
                                   "summary_stats"]),
    "first_time_volunteer_report_cache": (["school_year"], ["report_data"]),
    "virtual_session_report_cache": (["virtual_year", "date_from", "date_to"],
                                     ["session_data", "district_summaries", "overall_summary", "filter_options"]),
    "virtual_session_district_cache": (["virtual_year", "district_name", "date_from", "date_to"],
                                       ["session_data", "monthly_stats", "school_breakdown", "teacher_breakdown",
                                        "summary_stats"]),
    "recent_volunteers_report_cache": (["school_year", "date_from", "date_to", "event_types", "title_filter"],
                                       ["report_data"]),
    "recruitment_candidates_cache": (["event_id"], ["candidates_data"]),
    "dia_events_report_cache": ([], ["report_data"]),
}
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import engagement_rules as eng  # noqa: E402
TABLES.update(eng.TABLES)


# rows that a refresh may hold ready beyond what the expectation covers
MAY_BE_EXTRA = {
    "district_year_end_reports": lambda k, meta: k[0] not in meta["district_years"],
    "district_engagement_reports": lambda k, meta: k[0] not in meta["district_years"],
    "recent_volunteers_report_cache": lambda k, meta: k[0] == "None",            # tomorrow's default window
    "recruitment_candidates_cache": lambda k, meta: True,                        # recent events
    "virtual_session_district_cache": lambda k, meta: True,                      # filter options' districts
}


def exists(path):
    return os.path.exists(path) or os.path.exists(path + ".gz")


def load(path):
    """JSON from PATH or PATH.gz."""
    if os.path.exists(path):
        return json.load(open(path, encoding="utf-8"))
    with gzip.open(path + ".gz", "rt", encoding="utf-8") as f:
        return json.load(f)


def canon(x):
    return json.dumps(x, sort_keys=True, ensure_ascii=False)


class Ctx:
    """What the rules may look up in the source tables of the database under test."""

    def __init__(self, con):
        q = con.execute
        self.ev_start = dict(q("SELECT id, start_date FROM event"))
        self.org_name = dict(q("SELECT id, name FROM organization"))
        self.vorgs, self.vprim = {}, {}
        for v, o, p in q("SELECT volunteer_id, organization_id, is_primary FROM volunteer_organization"):
            self.vorgs.setdefault(v, []).append(o)
            if p:
                self.vprim.setdefault(v, []).append(o)
        self.emails = eng.load_emails(con)


# --- list rules: (table, path regex, key).  key None: the whole list is unordered.  Otherwise the order is defined only
# by key(item); items with an equal key form a run whose inner order is undefined (each run is sorted before comparing).
def evstart(c, it):
    return str(c.ev_start.get(it["event_id"]))


RULES = [
    ("district_year_end_reports", r"/report_data/program_breakdown/_unique_sets/\w+", None),     # list(set)
    ("district_year_end_reports", r"/events_data/events_by_month/[^/]+/events", None),           # query without ORDER BY
    ("district_year_end_reports", r"/events_data/schools_by_level/\w+/\d+/events", None),        # same query
    ("district_year_end_reports", r"/events_data/schools_by_level/\w+", lambda c, i: i["name"]),  # schools of one name
    ("organization_summary_cache", r"/organizations_data", lambda c, i: i["total_hours"]),       # sort by hours only
    ("organization_detail_cache", r"/volunteers_data", None),                                    # GROUP BY only
    ("organization_detail_cache", r"/cancelled_events", None),                                   # GROUP BY only
    ("organization_detail_cache", r"/(in_person|virtual)_events", lambda c, i: (i["date_sort"], i["title"])),
    ("organization_detail_cache", r"/virtual_events/\d+/volunteers", None),                      # list(set)
    ("organization_detail_cache", r"/virtual_events/\d+/classroom_details", None),               # joined rows
    ("first_time_volunteer_report_cache", r"/report_data/volunteers", lambda c, i: i["first_volunteer_date"]),
    ("first_time_volunteer_report_cache", r"/report_data/volunteers/\d+/events", lambda c, i: i["date"]),
    ("virtual_session_report_cache", r"/session_data", evstart),
    ("virtual_session_report_cache", r"/session_data/\d+/presenter_data", None),
    ("virtual_session_report_cache", r"/session_data/\d+/presenter_data/\d+/organizations", None),
    ("virtual_session_district_cache", r"/session_data", lambda c, i: (i["date"], evstart(c, i))),
    ("virtual_session_district_cache", r"/monthly_stats/[^/]+/events", lambda c, i: (i["date"], evstart(c, i))),
    ("virtual_session_district_cache", r".*/presenter_data", None),
    ("virtual_session_district_cache", r".*/presenter_data/\d+/organizations", None),
    ("virtual_session_district_cache", r"/(school|teacher)_breakdown", lambda c, i: i["sessions"]),
    ("recent_volunteers_report_cache", r"/report_data/active_volunteers", "RECENT_ACTIVE"),
    ("recent_volunteers_report_cache", r"/report_data/first_time_in_range", "RECENT_FIRST"),
    ("recruitment_candidates_cache", r"/candidates_data", lambda c, i: i["score"]),              # LIMIT without ORDER BY
    ("dia_events_report_cache", r"/report_data/filled_events", lambda c, i: i["event"]["start_date"]),
    ("dia_events_report_cache", r"/report_data/unfilled_events", lambda c, i: i["start_date"]),
    ("dia_events_report_cache", r"/report_data/filled_events/\d+/volunteers", None),
]
RULES = [(t, re.compile(p + r"\Z"), k) for t, p, k in RULES + eng.RULES]


def norm(table, path, x, c, row):
    """Sort what VMS leaves undefined; bottom-up."""
    if isinstance(x, dict):
        x = {k: norm(table, path + "/" + str(k), v, c, row) for k, v in x.items()}
        pd = x.get("presenter_data")
        if table.startswith("virtual_session_") and isinstance(pd, list) and "presenter" in x:
            # strings joined in the undefined order of the presenters: compare their parts as multisets
            for f in ("presenter", "presenter_organization"):
                if isinstance(x.get(f), str):
                    x[f] = ", ".join(sorted(x[f].split(", ")))
        return x
    if isinstance(x, list):
        x = [norm(table, path + "/%d" % i, v, c, row) for i, v in enumerate(x)]
        for t, p, k in RULES:
            if t == table and p.match(path):
                if k is None:
                    return sorted(x, key=canon)
                if isinstance(k, str):      # base row: by date, descending; typed rows: by lower-case name
                    f = {"RECENT_ACTIVE": "last_event_date", "RECENT_FIRST": "first_volunteer_date"}[k]
                    k = ((lambda c, i: i[f]) if row["event_types"] == "ALL" else (lambda c, i: i["name"].lower()))
                out = []
                for _, g in groupby(x, key=lambda i: k(c, i)):
                    out += sorted(g, key=canon)
                return out
    return x


LOOSE = False


def same_num(a, b):
    if not LOOSE and isinstance(a, float) != isinstance(b, float):
        return False
    return a == b or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def diff(a, b, path, out, limit=2000):
    if len(out) >= limit:
        return
    na, nb = isinstance(a, (int, float)) and not isinstance(a, bool), isinstance(b, (int, float)) and not isinstance(b, bool)
    if na and nb:
        if not same_num(a, b):
            out.append((path, a, b))
    elif isinstance(a, dict) and isinstance(b, dict):
        for k in a.keys() - b.keys():
            out.append((path + "/" + k, a[k], "<missing>"))
        for k in b.keys() - a.keys():
            out.append((path + "/" + k, "<missing>", b[k]))
        for k in a:
            if k in b:
                diff(a[k], b[k], path + "/" + k, out, limit)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            out.append((path + "/#len", len(a), len(b)))
        for i, (p, q) in enumerate(zip(a, b)):
            diff(p, q, "%s/%d" % (path, i), out, limit)
    elif type(a) is not type(b) or a != b:
        out.append((path, a, b))


# --- choices that VMS leaves undefined (".first()" / "[0]" without ORDER BY): accept any legal alternative -----------
def ok_keywords(text, hits):
    """text is 'a, b, c' = any min(3, n) distinct members of hits (VMS: list(set)[:3])"""
    want = min(3, len(hits))

    def rec(rest, n, used):
        if n == 0:
            return rest == ""
        for h in hits:
            if h not in used and rest.startswith(h):
                r = rest[len(h):]
                if n == 1:
                    if r == "":
                        return True
                elif r.startswith(", ") and rec(r[2:], n - 1, used | {h}):
                    return True
        return False
    return rec(text, want, frozenset())


def fix_recruitment(exp, got, c, hits, notes):
    """Rewrite the undefined parts of `got` to the expected spelling where they are a legal alternative."""
    ev = str(exp["event_id"])
    el, gl = exp["candidates_data"], got["candidates_data"]
    e_by = {x["id"]: x for x in el}
    for g in gl if isinstance(gl, list) else []:
        e = e_by.get(g.get("id"))
        if not e:
            continue
        h = hits.get(ev, {}).get(str(e["id"]))
        for f, pre, suf in (("reasons", "Title/industry match: ", ""), ("breakdown", "Title/industry keyword (", "): +0.60")):
            ge = g[f] if isinstance(g[f], list) else g[f].split("\n")
            ee = e[f] if isinstance(e[f], list) else e[f].split("\n")
            if len(ge) != len(ee):
                continue
            for i, (p, q) in enumerate(zip(ee, ge)):
                if p != q and h and p.startswith(pre) and q.startswith(pre) and q.endswith(suf) and \
                        ok_keywords(q[len(pre):len(q) - len(suf)], h):
                    ge[i] = p
                    notes["keyword hits shown in another order/choice"] = notes.get(
                        "keyword hits shown in another order/choice", 0) + 1
            g[f] = ge if isinstance(g[f], list) else "\n".join(ge)
        if g["organization"] != e["organization"]:
            alt = {c.org_name.get(o) for o in c.vorgs.get(e["id"], [])}
            if e["organization"] in alt and g["organization"] in alt:
                g["organization"] = e["organization"]
                notes["organization = another of the volunteer's links"] = notes.get(
                    "organization = another of the volunteer's links", 0) + 1


# --- fixed mode ------------------------------------------------------------------------------------------------------
def typed_row(r):
    return r["event_types"] != "ALL"


def fix_district(got, out):
    """Take the keys that fixed mode adds out of `got`; whatever is wrong with them goes to `out`."""
    for month, m in got["events_data"]["events_by_month"].items():
        for i, e in enumerate(m["events"]):
            for extra, same in (("student_count", "students"), ("volunteer_count", "volunteers")):
                diff(e[same], e.pop(extra, "<missing>"), "/events_data/events_by_month/%s/events/%d/%s" % (
                    month, i, extra), out)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("expected")
    ap.add_argument("db")
    ap.add_argument("--fixed", action="store_true")
    ap.add_argument("--strict", action="store_true")
    ap.add_argument("--loose-numbers", action="store_true")
    ap.add_argument("--org-detail", choices=["full", "vms"], default="full")
    ap.add_argument("--tables")
    ap.add_argument("--max-diffs", type=int, default=5)
    a = ap.parse_args()
    global LOOSE
    LOOSE = a.loose_numbers
    a.expected = os.path.join(a.expected, "expected")
    meta = load(os.path.join(a.expected, "meta.json"))
    hits = load(os.path.join(a.expected, "recruitment_hits.json"))
    con = sqlite3.connect("file:%s?mode=ro" % os.path.abspath(a.db), uri=True)
    con.row_factory = sqlite3.Row
    c = Ctx(con)
    bad = False
    for table in (a.tables.split(",") if a.tables else TABLES):
        keys, jcols = TABLES[table]
        name = table
        if table == "organization_detail_cache" and a.org_detail == "full":
            name = "organization_detail_full"
        exp, efile = {}, os.path.join(a.expected, name + ".json")
        if table == "district_engagement_reports":
            if not exists(efile):
                continue
            if not con.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (table,)).fetchone():
                print("%-36s FAIL no such table in DB" % table)
                bad = True
                continue
        erows, skip = load(efile), lambda r: False
        if table == "recent_volunteers_report_cache" and a.fixed:
            tfile = os.path.join(a.expected, "recent_volunteers_typed_fixed.json")
            erows = [r for r in erows if not typed_row(r)]
            if exists(tfile):
                erows += load(tfile)
            else:
                skip = typed_row
        for r in erows:
            exp[tuple(str(r[k]) for k in keys)] = r
        if table == "recruitment_candidates_cache":     # required: the 50 upcoming events of VMS's selector page
            as_of = meta["as_of"].replace("T", " ").rstrip("Z") + ".000000"
            need = {(str(i),) for i, in con.execute(
                "SELECT id FROM event WHERE start_date >= ? ORDER BY start_date, id LIMIT 50", (as_of,))}
            exp = {k: r for k, r in exp.items() if k in need}
        got, dup = {}, 0
        for r in con.execute("SELECT * FROM " + table):
            d = {k: r[k] for k in r.keys() if k not in ("id", "last_updated")}
            for j in jcols:
                try:
                    d[j] = None if d[j] is None else json.loads(d[j])
                except ValueError:
                    d[j] = "<invalid JSON> %.60s" % d[j]
            if skip(d):
                continue
            k = tuple(str(d[x]) for x in keys)
            dup += k in got
            got[k] = d
        partial = table in meta.get("partial", [])
        missing = [k for k in exp if k not in got]
        may = MAY_BE_EXTRA.get(table, lambda k, meta: False)
        extra = [k for k in got if k not in exp and not may(k, meta)] if not partial else []
        equal, ndiff, shown, notes, ordonly = 0, 0, [], {}, 0
        for k in sorted(exp):
            if k not in got:
                continue
            e, g = exp[k], got[k]
            if table == "organization_detail_cache":
                for x in (e, g):
                    for f in ("in_person_events", "virtual_events"):
                        for i in x[f] or []:
                            if isinstance(i.get("date_sort"), str):     # 'T' or blank, with or without fraction
                                i["date_sort"] = re.sub(r"\.0+$", "", i["date_sort"].replace(" ", "T"))
            if table == "recruitment_candidates_cache":
                fix_recruitment(e, g, c, hits, notes)
            out = []
            try:
                if a.fixed and table == "district_year_end_reports":
                    fix_district(g, out)
                if not a.strict:
                    if table == "district_engagement_reports":
                        eng.fix_engagement(e, g, c, notes)
                    ne, ng = norm(table, "", e, c, e), norm(table, "", g, c, g)
                    diff(ne, ng, "", out)
                    if not out:
                        o2 = []
                        diff(e, g, "", o2)
                        ordonly += bool(o2)
                else:
                    diff(e, g, "", out)
            except (KeyError, TypeError, AttributeError) as x:
                out.append(("<malformed row>", "", repr(x)))
            if out:
                ndiff += 1
                shown += [(k,) + o for o in out[:max(1, a.max_diffs)]]
            else:
                equal += 1
        fail = bool(missing or extra or ndiff or dup)
        bad |= fail
        print("%-36s %s expected %4d found %4d equal %4d different %d%s%s%s%s%s" % (
            table, "FAIL" if fail else "ok  ", len(exp), len(got), equal, ndiff,
            " missing %d" % len(missing) if missing else "", " unexpected %d" % len(extra) if extra else "",
            " duplicate keys %d" % dup if dup else "", " (partial expectation)" if partial else "",
            "  [%d equal up to undefined order]" % ordonly if ordonly else ""))
        for n, v in notes.items():
            print("      note: %s: %d" % (n, v))
        for k in missing[:3]:
            print("      missing   ", k)
        for k in extra[:3]:
            print("      unexpected", k)
        for k, p, x, y in shown[:a.max_diffs]:
            print("      %s %s\n          expected %.160s\n          found    %.160s" % (
                "|".join(k), p, json.dumps(x, ensure_ascii=False), json.dumps(y, ensure_ascii=False)))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
