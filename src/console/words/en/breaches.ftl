nav-breaches = Breaches
breaches-title = Register of breaches
breaches-lead = When personal data went where it should not have, write it down here at once. The clock for telling the Information Commissioner runs from the moment the trust learnt of it.
breaches-new = Record a breach
breaches-none = No breach has been recorded.
breaches-caption = Breaches, open ones first
breaches-what = Breach
breaches-clock = Clock
breaches-school = School
breaches-answered = Questions answered
breach-title = Breach
breach-new-title = Record a breach
breach-untitled = Breach { $reference }
breach-whole-trust = The whole trust
breach-clock-closed = Closed
breach-clock-left = { $n ->
    [0] Less than an hour left
    [one] 1 hour left
   *[other] { $n } hours left
}
breach-clock-over = { $n ->
    [0] The 72 hours are over
    [one] 1 hour past the 72 hours
   *[other] { $n } hours past the 72 hours
}
breach-law = UK GDPR Article 33 asks you to tell the Information Commissioner within 72 hours of becoming aware, unless a risk to people is unlikely. Article 34 asks you to tell the people themselves where the risk is high. Every breach is written down, told or not.
breach-report = See it as a report
breach-pdf = Save it as PDF
breach-messages = Messages it is about
breach-aware = When did the trust learn of it?
breach-aware-hint = The clock starts then, by the trust’s time.
breach-aware-wrong = Write day and time as 2026-11-28T16:05, or choose them from the calendar.
breach-school = School
breach-holds = Messages it is about
breach-holds-hint = References as they stand in notices and on pages, one on each line. Leave it empty if none went through this filter.
breach-q-title = A short name
breach-q-title-hint = No names of pupils: this stands in lists.
breach-q-nature = What happened?
breach-q-nature-hint = Who sent what to whom, how, and how it was noticed.
breach-q-people = Which people does it concern, and about how many?
breach-q-people-hint = For example: about 30 pupils of Year 5 and their parents.
breach-q-records = Which records does it concern, and about how many?
breach-q-records-hint = For example: 30 names with dates of birth, 2 with medical notes.
breach-q-contact = Who answers questions about it?
breach-q-contact-hint = Name, e-mail address and telephone of your data protection officer.
breach-q-consequences = What is likely to follow for the people?
breach-q-consequences-hint = For example: distress, identity fraud, a child found by somebody they are protected from.
breach-q-measures = What was done about it, and what will be?
breach-q-measures-hint = For example: the recipient confirmed that they deleted it.
breach-q-risk = Is a risk to people unlikely, likely or high, and why?
breach-q-risk-hint = This decides whom you must tell.
breach-q-commissioner = When was the Information Commissioner told, and by whom? Or why not?
breach-q-commissioner-hint = With the reference you were given.
breach-q-delay = If later than after 72 hours: why?
breach-q-delay-hint = Leave it empty if it was in time.
breach-q-people_told = When were the people told, and how? Or why not?
breach-q-people_told-hint = Needed where the risk is high.
breach-save = Save
breach-record = Record this breach
breach-close = Close this breach
breach-unanswered = Not answered yet
done-breach-recorded = The breach is on record. The clock is running.
done-breach-saved = Saved.
done-breach-closed = The breach is closed. A change opens it again.
