# Many messages decided together.
bulk-title = Decide together
bulk-about = { $n ->
    [one] You have chosen 1 message.
   *[other] You have chosen { $n } messages, all held for the same reason. Look through the list before you decide.
}
bulk-caption = The chosen messages
bulk-and-more = and { $n } more
bulk-what = What happens to all of them?
bulk-refuse-tell = Refuse them and tell each sender
bulk-refuse = Refuse them and tell nobody
bulk-release = Release them as they are, to everybody they were for
bulk-to-refuse = To refuse
bulk-to-release = To release
bulk-type-number = { $n ->
    [one] Type 1 to confirm
   *[other] Type { $n } to confirm, the number of messages
}
bulk-do = { $n ->
    [one] Decide 1 message
   *[other] Decide { $n } messages
}
bulk-cancel = Go back, decide nothing
bulk-choose = Choose what happens to them
bulk-none = Choose at least one message in the list.
bulk-many = At most 200 messages are decided together.
bulk-own = One of them is your own. Somebody else decides on it.
bulk-unlike = They were not held for the same reason, or are not in the same state. Choose messages of one kind.
bulk-confidential = One of them goes to a confidential channel. Such messages are released one by one.
bulk-special = One of them holds health, special needs or safeguarding data. Such messages are released one by one.
bulk-two-people = One of them needs two people. Such messages are released one by one.
bulk-done-title = Decided together
bulk-done = { $n } of { $of } messages are decided.
bulk-results = What became of each
bulk-result = Result
bulk-good = Done
bulk-bad = Not done:
