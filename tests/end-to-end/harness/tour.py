"""All that can be asked of one wormholed: an introduction with another, verification included, and then every other method.
Each step can be repeated, after whatever happened.
"""

from .checks import equal, true
from .introduction import Introduction
from .rpc import RpcError

NOBODY = "example.org/nobody"  # an application that has no nameplates


class Tour(Introduction):
    def __init__(self, number, ask, ask_peer):
        name = "n%d" % number
        super().__init__(name, ask, ask_peer, left={"verify": True})
        self.ask = ask
        self.code = "%d-guitarist-revenge" % (1000 + number)  # a nameplate that no other tour claims
        self.ids = []
        self.text = None  # an exported session
        self.introduced = self.derived = False
        self.errands = [self.look, self.look_at_changes, self.look_at_words, self.look_at_relay, self.subscribe, self.rename,
                        self.forget, self.accept, self.forget_accepted, self.invite, self.export, self.let_go, self.bring_in,
                        self.forget_third, self.look_at_none]

    def advance(self):
        if not self.introduced:
            return self.introduce()
        self.errands[0]()
        del self.errands[0]
        self.over = not self.errands
        return True

    def attempt(self, method, *done, **params):
        """`done` are errors that say that it was done before."""
        try:
            return self.ask(method, **params)
        except RpcError as error:
            if error.code not in done:
                raise
            return None

    # ---- the introduction ----

    def introduce(self):
        moved = self.compare() or self.derive() or super().advance()
        self.introduced, self.over = self.over, False
        return moved

    def compare(self):
        """The verifiers, once there are some; True if that was done."""
        left = self.ends[0]
        view = left.show()
        if not view or view["verification"] != "pending" or not view["verifier"]:
            return False
        left.ask("verify", session=left.name, ok=True)
        return True

    def derive(self):
        """The same key at both ends, once there are two."""
        if self.derived or any(not end.created or end.show()["state"] != "established" for end in self.ends):
            return False
        left, right = [end.ask("derive_key", session=end.name, purpose="a tour")["key"] for end in self.ends]
        equal(left, right, "the keys of both ends")
        self.derived = True
        return True

    # ---- what is asked then ----

    def look(self):
        status = self.ask("status")
        sessions = self.ask("list")["sessions"]
        equal([view["name"] for view in sessions], [self.name], "names in the list")
        equal(status["sessions"], len(sessions), "how many status counts")
        self.ids = [view["id"] for view in sessions]

    def look_at_changes(self):
        changes = self.ask("changes", since=0)["changes"]
        equal(sorted(change["session"] for change in changes), sorted(self.ids), "who changed")

    def look_at_words(self):
        equal([len(words) for words in self.ask("words")["words"]], [256, 256], "words")

    def look_at_relay(self):
        equal(self.ask("nameplates", appid=NOBODY)["nameplates"], [], "nameplates in use")

    def subscribe(self):
        true(self.ask("subscribe")["change"] > 0, "there were changes")

    def rename(self):
        for number, session in enumerate(self.ids):
            equal(self.ask("rename", session=session, name="old-%d" % number)["name"], "old-%d" % number, "the new name")

    def forget(self):
        for session in self.ids:
            self.attempt("forget", "not-found", session=session)

    def accept(self):
        code = self.code.replace("1", "2", 1)  # the next one's is not to be met either
        self.attempt("accept", "name-taken", name="accepted", code=code)
        equal(self.attempt("invite", "bad-code", code=code), None, "what a second session with one code is")

    def forget_accepted(self):
        self.attempt("forget", "not-found", session="accepted", force=True)

    def invite(self):
        self.attempt("invite", "name-taken", name="third", code=self.code)

    def export(self):
        self.text = self.ask("export", session="third")["export"]

    def let_go(self):
        self.attempt("export", "not-found", session="third", done=True)

    def bring_in(self):
        self.attempt("import", "imported", export=self.text)
        equal(self.ask("show", session="third")["code"], self.code, "the code of who was brought in")

    def forget_third(self):
        self.attempt("forget", "not-found", session="third", force=True)

    def look_at_none(self):
        equal(self.ask("list")["sessions"], [], "sessions at the end")

    def check_end(self):
        super().check_end()
        true(self.derived, "keys were derived")
