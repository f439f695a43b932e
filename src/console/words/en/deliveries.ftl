nav-deliveries = Deliveries
deliveries-title = Deliveries
deliveries-waiting = { $n ->
    [one] 1 delivery waits.
   *[other] { $n } deliveries wait.
}
deliveries-dead = { $n ->
    [0] None failed.
    [one] 1 failed and is kept for somebody to look at.
   *[other] { $n } failed and are kept for somebody to look at.
}
deliveries-states = Deliveries by state
deliveries-state-waiting = Waiting
deliveries-state-dead = Failed
deliveries-state-finished = Finished
deliveries-none = There are none.
deliveries-more = There are more than the 200 that are listed.
deliveries-id = Delivery
deliveries-kind = What it is
deliveries-kind-release = Released message
deliveries-kind-spool = Message from a device
deliveries-kind-notice = Notice from Beadle
deliveries-kind-dsn = Delivery report
deliveries-since = In the queue since
deliveries-next = Next try
deliveries-ended = Ended
deliveries-attempts = Tries
deliveries-failed = Recipients not reached
deliveries-under-way = being sent now
delivery-title = Delivery
delivery-state = State
delivery-unknown = { $n ->
    [one] 1 of them ended without an answer: the message may have arrived.
   *[other] { $n } of them ended without an answer: the message may have arrived.
}
delivery-route = Route
delivery-encrypt = Only a next hop that encrypts may have it
delivery-sender = Sender
delivery-gone = It is finished: its addresses and its message are gone from the queue.
delivery-recipients = Recipients
delivery-address = Address
delivery-answer = What the next hop said last
delivery-rcpt-waiting = Not delivered yet
delivery-rcpt-delivered = Delivered
delivery-rcpt-failed = Failed
delivery-try = Try again
delivery-try-help = It is sent at once to everybody who has not got it.
delivery-try-button = Try again now
delivery-cancel = Take it out
delivery-cancel-help = It is not sent, and its sender is not told. This cannot be undone.
delivery-reason = Why?
delivery-cancel-button = Take it out of the queue
done-delivery-retry = It is tried now.
done-delivery-cancel = It was taken out of the queue.
