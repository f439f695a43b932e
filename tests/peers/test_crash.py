"""kill -9 at random moments: nothing that was answered 250 is lost; duplicates only where no answer was received."""

import collections
import random
import re
import threading
import time
import unittest

from rig import beadle, mail
from rig.case import PeerCase, say
from rig.dialogue import Dialogue, Gone, stuff
from rig.recorder import Recorder


class RetryingClients:
    """Threads that send numbered messages, each until it is answered 250, whatever happens to the server in between."""

    def __init__(self, relay, count, build, threads=6):
        self.relay = relay
        self.build = build
        self.todo = collections.deque(range(count))
        self.acknowledged = {}
        # Sent whole, without an answer: the only case in which the protocol cannot know.
        self.unanswered = collections.Counter()
        self.deferred = collections.Counter()
        self.refused = {}
        self.messages = [build(seq) for seq in range(count)]
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def done(self):
        return not any(thread.is_alive() for thread in self.threads)

    def join(self, seconds):
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self.done()

    def _run(self):
        client = None
        while True:
            try:
                seq = self.todo.popleft()
            except IndexError:
                if client is not None:
                    client.close()
                return
            while seq not in self.acknowledged and seq not in self.refused:
                sent = False
                try:
                    if client is None:
                        client = Dialogue(self.relay.port, 20)
                        if client.banner.code != 220:
                            raise Gone("not served")
                    reply = client.envelope(mail.SENDER, [mail.PARENT])
                    if reply is None:
                        reply = client.ask("DATA")
                        if reply.code == 354:
                            sent = True
                            client.send(stuff(self.messages[seq]))
                            reply = client.reply()
                    if reply.code == 250:
                        self.acknowledged[seq] = reply
                    elif reply.code >= 500:
                        self.refused[seq] = reply
                    else:
                        self.deferred[str(reply)[:60]] += 1
                        client.ask("RSET")
                        time.sleep(0.05)
                except (Gone, ValueError):
                    if sent:
                        self.unanswered[seq] += 1
                    if client is not None:
                        client.close()
                    client = None
                    time.sleep(0.03)


def kill_at_random(relay, clients, kills, rest=(0.03, 0.25)):
    """Kills and restarts until the clients are done; returns how often."""
    done = 0
    while done < kills and not clients.done():
        time.sleep(random.uniform(*rest))
        relay.kill()
        relay.start()
        done += 1
    return done


class KillNine(PeerCase):
    def test_relaying_loses_nothing(self):
        count = 12_000
        outside = self.use(Recorder())
        relay = self.use(beadle.Beadle(outside.port))
        clients = RetryingClients(relay, count, lambda seq: mail.clean(seq, size=2000))
        kills = kill_at_random(relay, clients, 25)
        self.assertTrue(clients.join(120), f"clients did not finish: {len(clients.acknowledged)} of {count}; {clients.deferred}")
        self.assertEqual(clients.refused, {})
        arrived = collections.Counter(mail.seq_of(each.message) for each in list(outside.deliveries))
        lost = [seq for seq in range(count) if not arrived[seq]]
        twice = {seq: times for seq, times in arrived.items() if times > 1}
        say(f"{kills} kills, {count} acknowledged, {sum(clients.unanswered.values())} unanswered, {len(twice)} duplicates, deferred: {dict(clients.deferred)}")
        self.assertGreaterEqual(kills, 5, "the relay was killed while it worked")
        self.assertEqual(lost, [], "nothing is lost")
        wrong = {seq: times for seq, times in twice.items() if times > 1 + clients.unanswered[seq]}
        self.assertEqual(wrong, {}, "duplicates only where the 250 was not received")
        for each in list(outside.deliveries):
            self.assertIsNotNone(mail.split_prefix(each.message, clients.messages[mail.seq_of(each.message)]))

    def test_holding_loses_nothing(self):
        count = 600
        outside = self.use(Recorder())
        relay = self.use(beadle.Beadle(outside.port))
        clients = RetryingClients(relay, count, mail.named_pupil)
        kills = kill_at_random(relay, clients, 20, (0.03, 0.15))
        self.assertTrue(clients.join(120), f"clients did not finish: {len(clients.acknowledged)} of {count}; {clients.deferred}")
        self.assertEqual(clients.refused, {})
        relay.kill()
        relay.start()
        holds = {hold["id"]: hold for hold in relay.holds()}
        extra = len(holds) - count
        say(f"{kills} kills, {count} holds acknowledged, {sum(clients.unanswered.values())} unanswered, {extra} holds more than acknowledged")
        self.assertGreaterEqual(kills, 3, "the relay was killed while it worked")
        self.assertGreaterEqual(extra, 0, "every hold that was answered 250 is listed")
        self.assertLessEqual(extra, sum(clients.unanswered.values()), "no hold that nobody sent")
        self.assertEqual(outside.deliveries, [], "a held message does not go on")
        seen = collections.Counter()
        for hold in holds:
            content = relay.saved(hold)
            seq = mail.seq_of(content)
            seen[seq] += 1
            self.assertIsNotNone(mail.split_prefix(content, clients.messages[seq]), "sealed and opened unchanged")
        self.assertEqual(sorted(seen), list(range(count)), "every message that was answered 250 is held")
        wrong = {seq: times for seq, times in seen.items() if times > 1 + clients.unanswered[seq]}
        self.assertEqual(wrong, {}, "held twice only where the 250 was not received")
        # Here the store can know what the protocol cannot: the message is held already, and its retry needs no second hold.
        with self.subTest("no message is held twice"):
            self.assertEqual({seq: times for seq, times in seen.items() if times > 1}, {})
        # The id in the answer is one that can be used.
        named = re.search(r"\b([0-9A-Za-z][0-9A-Za-z-]{5,})\W*$", clients.acknowledged[0].text)
        self.assertIsNotNone(named, f"the answer names the hold: {clients.acknowledged[0]}")
        self.assertEqual(relay.show(named.group(1), check=False).returncode, 0, f"{clients.acknowledged[0]}")

    def test_releasing_loses_nothing(self):
        count = 40
        outside = self.use(Recorder())
        relay = self.use(beadle.Beadle(outside.port))
        clients = RetryingClients(relay, count, mail.named_pupil, threads=2)
        self.assertTrue(clients.join(60))
        holds = [hold["id"] for hold in relay.holds()]
        self.assertEqual(len(holds), count)
        stop = threading.Event()

        def murder():
            while not stop.is_set():
                time.sleep(random.uniform(0.1, 0.5))
                relay.kill()
                relay.start()

        killer = threading.Thread(target=murder, daemon=True)
        killer.start()
        for hold in holds:
            relay.release(hold)
        stop.set()
        killer.join(60)
        # A delivery that was cut off is tried again after the first step of the retry schedule (a minute).
        outside.wait(1)
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            arrived = collections.Counter(mail.seq_of(each.message) for each in list(outside.deliveries))
            if len(arrived) == count:
                break
            time.sleep(0.2)
        twice = {seq: times for seq, times in arrived.items() if times > 1}
        say(f"{count} released, {len(twice)} duplicates")
        self.assertEqual(sorted(arrived), list(range(count)), "every released message arrives")
        self.assertEqual(relay.holds(), [])

    def test_a_mixed_load_keeps_each_message_to_its_fate(self):
        rounds, count = 15, 90
        kills, twice, unanswered = 0, 0, 0
        for _ in range(rounds):
            done = self.mixed_round(count)
            kills, twice, unanswered = kills + done[0], twice + done[1], unanswered + done[2]
        say(f"{rounds} rounds of {count}: {kills} kills, {unanswered} unanswered, {twice} passed twice because our 250 was not written")
        self.assertGreaterEqual(kills, rounds, "the relay was killed while it worked")

    def mixed_round(self, count):
        """One round: a third passes, a third is refused, a third is held, while the relay is killed. Gives kills, duplicates, unanswered."""
        builders = (mail.clean, mail.medical, mail.named_pupil)

        def build(seq):
            return builders[seq % 3](seq)

        outside = Recorder()
        relay = beadle.Beadle(outside.port)
        try:
            clients = RetryingClients(relay, count, build, threads=4)
            kills = kill_at_random(relay, clients, 6, (0.02, 0.2))
            self.assertTrue(clients.join(120), f"clients did not finish: {clients.deferred}")
            relay.kill()
            relay.start()
            held = collections.Counter(mail.seq_of(relay.saved(hold["id"])) for hold in relay.holds())
            # What was cut off between the next hop's 250 and ours is not sent again by itself: nothing more is to come.
            arrived = collections.Counter(mail.seq_of(each.message) for each in list(outside.deliveries))
        finally:
            relay.stop()
            outside.stop()
        passing, refused, holding = (set(range(kind, count, 3)) for kind in range(3))
        self.assertEqual(set(clients.refused), refused, "what is to be refused is, whatever happened before")
        self.assertEqual(set(clients.acknowledged), passing | holding)
        self.assertEqual(set(held), holding, "every message that was held with a 250, and no other, waits")
        self.assertEqual({seq: times for seq, times in held.items() if times > 1}, {}, "none is held twice")
        self.assertEqual(set(arrived), passing, "every message that passed with a 250, and no other, is at the next hop")
        wrong = {seq: times for seq, times in arrived.items() if times > 1 + clients.unanswered[seq]}
        self.assertEqual(wrong, {}, "passed twice only where our 250 was not received")
        return kills, sum(times - 1 for times in arrived.values()), sum(clients.unanswered.values())


if __name__ == "__main__":
    unittest.main()
