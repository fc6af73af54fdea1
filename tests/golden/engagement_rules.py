"""Rules for table district_engagement_reports, in compare.py's own forms."""


def _start(c, it):              # order defined by event.start_date only (ascending / descending)
    return str(c.ev_start.get(it["id"]))


TABLES = {"district_engagement_reports": (["school_year", "district_id"],
                                          ["summary_stats", "volunteers_data", "students_data", "events_data",
                                           "breakdown_data"])}
_T = "district_engagement_reports"
_EV = r"/breakdown_data/events_breakdown"
RULES = [  # (table, path regex, key): key None = no defined order at all; else order inside runs of equal key is undefined
    (_T, r"/volunteers_data", lambda c, i: (i["events_count"], i["total_hours"])),        # sort over rows w/o ORDER BY
    (_T, r"/volunteers_data/\d+/skills", None),                                           # join without ORDER BY
    (_T, r"/students_data", lambda c, i: (i["events_count"], i["last_name"])),
    (_T, r"/events_data", _start),                                                        # ORDER BY start_date
    (_T, _EV, _start),                                                                    # ORDER BY start_date DESC
    (_T, _EV + r"/\d+/volunteers", lambda c, i: (i["hours"], i["last_name"])),
    (_T, _EV + r"/\d+/volunteers/\d+/skills", None),
    (_T, _EV + r"/\d+/students", lambda c, i: (i.get("school"), str(i.get("grade")), i.get("last_name"))),
]


def fix_engagement(exp, got, c, notes):
    """".first()" without ORDER BY: organization = any of the volunteer's links, email = any primary address.
    Needs c.vorgs {volunteer: [org id]}, c.org_name, c.emails {contact: [primary addresses]}.  Call before norm(), not with --strict."""
    def people(d):
        for x in d["volunteers_data"] or []:
            yield x
        for x in d["students_data"] or []:
            yield x
        for ev in (d["breakdown_data"] or {}).get("events_breakdown", []):
            for x in list(ev["volunteers"]) + list(ev["students"]):
                if "id" in x:
                    yield x
    want = {}
    for x in people(exp):
        want.setdefault(x["id"], {}).update({f: x[f] for f in ("organization", "email") if f in x})
    for x in people(got):
        w = want.get(x.get("id"), {})
        for f, alt in (("organization", [c.org_name.get(o) for o in c.vorgs.get(x.get("id"), [])]),
                       ("email", c.emails.get(x.get("id"), []))):
            if f in w and f in x and x[f] != w[f] and x[f] in alt and w[f] in alt:
                x[f] = w[f]
                n = f + " = another legal choice (.first() without ORDER BY)"
                notes[n] = notes.get(n, 0) + 1


def load_emails(con):
    out = {}
    for i, e in con.execute('SELECT contact_id, email FROM email WHERE "primary" = 1 ORDER BY id'):
        out.setdefault(i, []).append(e or "")        # an empty primary address is legal too
    return out
