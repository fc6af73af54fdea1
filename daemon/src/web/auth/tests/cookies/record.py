"""Records what Flask and Flask-Login themselves make of cookies, set up as VMS sets them up.

    pip install Flask==2.3.3 Flask-Login==0.6.3 itsdangerous==2.2.0 Werkzeug==3.1.9
    python record.py > recorded.json

Every cookie is signed by the real libraries, and every answer is theirs: `user` is the id of whom they let in,
`by` the cookie that did it, and `status` 500 means that they raised an exception. Time is fixed.
"""

import json
from importlib.metadata import version

from flask import Flask, flash, g, jsonify, session
from flask_login import LoginManager, UserMixin, current_user, login_user, user_loaded_from_cookie
from flask_login.utils import encode_cookie
from itsdangerous import TimestampSigner

NOW = 1_773_576_000  # 2026-03-15T12:00:00Z
LIFETIME = 60 * 60 * 8

KEY = "9f8b6c1de0a24f57b3c8d1e2f3a4b5c6d7e8f90112233445566778899aabbccd"
OTHER_KEY = "0000000000000000000000000000000000000000000000000000000000000000"
LATIN_KEY = "Schl\u00fcssel f\u00fcr die Pr\u00fcfung \u00e0\u00e9\u00ee\u00f5\u00ff 4711"
WIDE_KEY = "\u043a\u043b\u044e\u0447 \u20ac 0815 and twenty more characters"


class User(UserMixin):
    def __init__(self, id, username, security_level, is_active=True):
        self.id, self.username, self.security_level, self.active = id, username, security_level, is_active

    @property
    def is_active(self):
        return self.active


USERS = [
    User(1, "ada", 3),
    User(2, "manager", 2),
    User(3, "supervisor", 1),
    User(4, "plain", 0),
    User(5, "below", -1),
    User(6, "gone", 3, False),
    User(7, "above", 4),
]


def app_with(key):
    app = Flask("vms")
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME="vms_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_NAME="vms_remember",
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )
    manager = LoginManager(app)
    users = {user.id: user for user in USERS} | {99: User(99, "deleted later", 3)}
    app.deletable = users
    manager.user_loader(lambda user_id: users.get(int(user_id)))

    @user_loaded_from_cookie.connect_via(app)
    def remembered(_app, user):
        g.by = "remember"

    @app.get("/login/<int:user_id>/<int:remember>/<int:flashes>")
    def login(user_id, remember, flashes):
        session.permanent = True
        for number in range(flashes):
            flash(f"Import {number} finished, and a message of some length was left behind.", "success")
        login_user(users[user_id], remember=bool(remember), force=True)
        return "in"

    @app.get("/me")
    def me():
        known = current_user.is_authenticated
        return jsonify(user=int(current_user.id) if known else None, by=getattr(g, "by", "session") if known else None)

    return app


def at(seconds):
    TimestampSigner.get_timestamp = lambda _self: seconds


class Recorder:
    def __init__(self):
        self.apps = {key: app_with(key) for key in (KEY, OTHER_KEY, LATIN_KEY, WIDE_KEY)}
        self.cases = []

    def login(self, user_id, key=KEY, age=60, remember=0, flashes=0):
        """The session and remember cookies that a login sets, without quotes or attributes."""
        at(NOW - age)
        response = self.apps[key].test_client().get(f"/login/{user_id}/{remember}/{flashes}")
        assert response.status_code == 200, response.status
        headers = response.headers.getlist("Set-Cookie")
        return dict(header.split(";")[0].split("=", 1) for header in headers)

    def session(self, *args, **kwargs):
        return self.login(*args, **kwargs)["vms_session"]

    def remember(self, user_id, key=KEY):
        return self.login(user_id, key, remember=1)["vms_remember"]

    def signed(self, contents, key=KEY, age=60):
        """Contents that no login leaves in a session, under a sound signature."""
        at(NOW - age)
        app = self.apps[key]
        return app.session_interface.get_signing_serializer(app).dumps(contents)

    def signed_id(self, user_id, key=KEY):
        with self.apps[key].app_context():
            return encode_cookie(user_id)

    def case(self, name, header, key=KEY, forged=False):
        """`forged`: some cookie has a wrong signature, so that refusing the caller is worth counting."""
        at(NOW)
        app = self.apps[key]
        app.deletable.pop(99, None)
        response = app.test_client(use_cookies=False).get("/me", headers={"Cookie": header})
        answer = response.get_json() if response.status_code == 200 else {"user": None, "by": None}
        self.cases.append(
            {"name": name, "key": key, "cookie": header, "forged": forged, "status": response.status_code, **answer}
        )


def swapped(text, position):
    """The text with one character replaced by another of the same alphabet."""
    return text[:position] + ("B" if text[position] == "A" else "A") + text[position + 1 :]


def main():
    r = Recorder()
    # Even the session of a plain login is long enough to be compressed.
    plain, compressed = r.signed({"_fresh": True, "_user_id": "1"}), r.session(1)
    assert not plain.startswith(".") and compressed.startswith(".")
    remembered, unknown = r.remember(1), r.session(99)
    signature = plain.rindex(".") + 1
    stamp = plain.rindex(".", 0, signature - 1) + 1
    s, m = "vms_session=", "vms_remember="

    r.case("no cookie of VMS's", "theme=dark; other=1")
    r.case("a session", s + plain)
    r.case("a session among other cookies", f"a=1; =; b; {s}{plain};c=\"x\"")
    r.case("a session in double quotes", f'{s}"{plain}"')
    r.case("a session that is compressed", s + compressed)
    r.case("a session with many messages", s + r.session(1, flashes=40))
    r.case("an empty session cookie", s)
    r.case("a session at its last second", s + r.session(1, age=LIFETIME))
    r.case("a session one second too old", s + r.session(1, age=LIFETIME + 1))
    r.case("a session from the future", s + r.session(1, age=-1))
    r.case("a session with a changed payload", s + swapped(plain, 10), forged=True)
    r.case("a compressed session with a changed payload", s + swapped(compressed, 10), forged=True)
    r.case("a session with a changed time", s + swapped(plain, stamp), forged=True)
    r.case("a session with a changed signature", s + swapped(plain, signature), forged=True)
    r.case("a session without its signature", s + plain[: signature - 1], forged=True)
    r.case("a session of another key", s + r.session(1, key=OTHER_KEY), forged=True)
    r.case("text that is no session", s + "hello", forged=True)
    r.case("two sessions, the sound one first", f"{s}{plain}; {s}{swapped(plain, 10)}")
    r.case("two sessions, the sound one last", f"{s}{swapped(plain, 10)}; {s}{plain}", forged=True)
    r.case("a session without a user", s + r.signed({"_fresh": False, "_permanent": True}))
    r.case("a session whose id is no number", s + r.signed({"_user_id": "ada", "_permanent": True}))
    r.case("a session whose id is empty", s + r.signed({"_user_id": "", "_permanent": True}))
    r.case("a session that is no dictionary of users", s + r.signed({"x": [1, {" t": [2]}], "_flashes": None}))

    for user in USERS[1:]:
        r.case(f"a session of {user.username}", s + r.session(user.id))
        r.case(f"a remembered {user.username}", m + r.remember(user.id))
    r.case("a session of somebody deleted", s + unknown)
    r.case("a session of somebody deleted, and a remembered admin", f"{s}{unknown}; {m}{remembered}")
    r.case("a session of somebody deactivated, and a remembered admin", f"{s}{r.session(6)}; {m}{remembered}")
    r.case("a session of a manager, and a remembered admin", f"{s}{r.session(2)}; {m}{remembered}")

    r.case("a remembered admin", m + remembered)
    r.case("a remembered admin in double quotes", f'{m}"{remembered}"')
    r.case("a remembered admin whose session is too old", f"{s}{r.session(1, age=LIFETIME + 1)}; {m}{remembered}")
    r.case("a remembered admin with a forged session", f"{s}{swapped(plain, 10)}; {m}{remembered}", forged=True)
    r.case("a remembered id that was changed", m + "2" + remembered[1:], forged=True)
    r.case("a remembered signature that was changed", m + swapped(remembered, 2), forged=True)
    r.case("a remembered signature in capitals", m + remembered[:2] + remembered[2:].upper(), forged=True)
    r.case("a remembered id without a signature", m + "1", forged=True)
    r.case("a remembered id with an empty signature", m + "1|", forged=True)
    r.case("a remembered admin of another key", m + r.remember(1, key=OTHER_KEY), forged=True)
    r.case("a remembered id that is no number", m + r.signed_id("ada"))
    r.case("a remembered id with a bar", m + r.signed_id("1|1"))
    r.case("a remembered id that was deleted", m + r.signed_id("99"))
    cleared = r.signed({"_remember": "clear", "_permanent": True})
    r.case("a remembered admin who has logged out", f"{s}{cleared}; {m}{remembered}")
    r.case("a remembered admin whose session says set", f"{s}{r.signed({'_remember': 'set'})}; {m}{remembered}")

    r.case("a session of a key with accents", s + r.session(1, key=LATIN_KEY), key=LATIN_KEY)
    r.case("a remembered admin of a key with accents", m + r.remember(1, key=LATIN_KEY), key=LATIN_KEY)
    r.case("a session of a key beyond Latin-1", s + r.session(1, key=WIDE_KEY), key=WIDE_KEY)
    r.case("a session and a remembered admin under a key beyond Latin-1",
           f"{s}{r.session(1, key=WIDE_KEY)}; {m}{remembered}", key=WIDE_KEY)
    # Flask-Login raises under such a key, so that unauthenticated can tell whether the cookie is wrong.
    r.case("a remembered admin under a key beyond Latin-1", m + remembered, key=WIDE_KEY)

    packages = ["Flask", "Flask-Login", "itsdangerous", "Werkzeug"]
    users = [
        {"id": u.id, "username": u.username, "security_level": u.security_level, "is_active": u.is_active}
        for u in USERS
    ]
    recorded = {
        "about": "Written by record.py; see there.",
        "versions": {package: version(package) for package in packages},
        "now": NOW,
        "lifetime": LIFETIME,
        "users": users,
        "cases": r.cases,
    }
    print(json.dumps(recorded, indent=1, ensure_ascii=True))


main()
