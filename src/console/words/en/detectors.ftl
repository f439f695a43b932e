nav-detectors = Detectors
detectors-title = What is looked for
detectors-lead = Each message is read for these. A detector only says what it found: the policy decides what happens. All examples are invented.
detectors-pupils = { $n ->
    [one] 1 pupil from the roster
   *[other] { $n } pupils from the roster
}
detectors-terms = { $n ->
    [one] 1 term in the dictionaries
   *[other] { $n } terms in the dictionaries
}
detectors-off = { $n ->
    [one] 1 detector stops no message: no rule that is switched on uses it
   *[other] { $n } detectors stop no message: no rule that is switched on uses them
}
detectors-what = Looks for
detectors-state = State
detectors-rules = Rules that use it
detectors-rules-count = { $n ->
    [0] None
    [one] 1 rule
   *[other] { $n } rules
}
detector-confidence = How sure by itself: { $confidence }.
detector-terms = { $n ->
    [one] 1 term in its dictionary.
   *[other] { $n } terms in its dictionaries.
}
detector-unused = No rule of the policy uses it.
detector-uses = Rules that use it
detector-rule = Rule
detector-action = What the rule does
detector-examples = It finds something in
detector-counterexamples = It finds nothing in
detector-keywords = Words nearby that make it surer
detector-negative = Words nearby that speak against it
detector-references = Where its facts come from
