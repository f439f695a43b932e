overview-title = Overview
overview-waiting = { $n ->
    [one] 1 message waits
   *[other] { $n } messages wait
}
overview-none = No message waits
overview-none-help = Nothing needs a decision now.
overview-oldest = The oldest came { $since }.
overview-urgent = { $n ->
    [one] 1 of them is urgent.
   *[other] { $n } of them are urgent.
}
overview-begin = Begin with the oldest
overview-look = See the oldest
overview-all = See every message that waits
overview-second = { $n ->
    [one] 1 message waits for a second person.
   *[other] { $n } messages wait for a second person.
}
overview-second-link = See what was asked for
overview-dead = { $n ->
    [one] 1 message could not be delivered, and nobody has dealt with it.
   *[other] { $n } messages could not be delivered, and nobody has dealt with them.
}
overview-dead-link = See failed deliveries
overview-late = A message that should have been delivered has waited since { $since }.
overview-late-link = See deliveries
overview-forwarding = { $n ->
    [one] 1 mailbox was found forwarding mail outside the trust this week.
   *[other] { $n } mailboxes were found forwarding mail outside the trust this week.
}
overview-forwarding-link = See the register
overview-what = What waits
overview-more = More messages wait than are counted here: these figures are of the 500 oldest.
overview-number = Messages
overview-ages = How long they have waited
overview-age = Waiting for
overview-age-hours = Less than 4 hours
overview-age-today = 4 to 24 hours
overview-age-days = 1 to 3 days
overview-age-week = 3 to 7 days
overview-age-longer = More than a week
overview-schools = By school
overview-school = School
overview-rules = By rule. A message can meet several.
overview-rule = Rule
overview-trend = The last 14 days
overview-days = Messages that were stopped, by the day they came
overview-day = Day
overview-day-waiting = Still waiting
overview-day-released = Released
overview-day-refused = Refused by a reviewer
overview-day-turned-away = Refused at once
overview-day-all = All
