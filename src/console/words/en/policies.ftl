nav-policies = Policies
policies-title = Policies
policies-lead = This policy is in force: it decides what happens to each message.
policies-source = It follows: { $source }.
policies-waiting = { $n ->
    [one] 1 change waits for a second person.
   *[other] { $n } changes wait for a second person.
}
policies-waiting-link = See policies on record
policies-propose = Propose a change
policies-read-from = Read from
policies-file = (a file on the host)
policies-built-in = (built in)
policies-changes = A change
policies-changes-two = needs a second person
policies-changes-one = needs no second person
policies-rule = If a message meets this
policies-when = If { $title }
policies-exactly = Exactly ({ $rule })
policies-action = It is
policies-severity = How grave
policies-clause = Where your policy says so
policies-urgent = Urgent
policies-two = Two people
policies-on = { $n ->
    [one] 1 rule is on
   *[other] { $n } rules are on
}
policies-watching = { $n ->
    [one] 1 rule only watches: it says what it would have done and does nothing
   *[other] { $n } rules only watch: they say what they would have done and do nothing
}
policies-off = { $n ->
    [one] 1 rule is off
   *[other] { $n } rules are off
}
policies-matrix = What the policy does about each requirement
policies-requirement = Requirement
policies-how = What is done
policies-met-enforced = On
policies-met-allowed = Allowed by an exception
policies-met-watched = Only watched
policies-met-stated = A duty that no filter can meet; your policy states it
policies-met-added = A duty that no filter can meet; your policy does not speak of it, and Beadle keeps it
policies-met-off = Nothing
policies-exception = with an exception
policies-limits = What it cannot do
policies-record = Policies on record
policies-record-none = No policy is on record yet.
policies-id = Policy
policies-state = State
policies-state-proposed = Waits for a second person
policies-state-approved = Approved
policies-state-emergency = In an emergency by one person; waits for a second
policies-state-rejected = Rejected
policies-state-adopted = The first
policies-state-changed = Changed without a second person
policies-in-force = In force
policies-by = Proposed by
policies-at = On
policies-decided = Decided
requirement-R1 = Personal data leaves only protected
requirement-R2 = Financial and personal medical information is not sent
requirement-R3 = No pupil’s full name in the subject
requirement-R4 = Initials rather than full names in the text
requirement-R5 = No automatic forwarding to the outside
requirement-R6 = No work mail or files to the own private mailbox
requirement-R7 = No personal account for the trust’s business
requirement-R8 = No personal account towards pupils or parents
requirement-R9 = No disclosure outside, even protected, save exceptions
requirement-R10 = Registers and transfer files are graver
requirement-R11 = Suspect mail is not passed on
requirement-R12 = No chain letters, no mass mailings
requirement-R13 = No offensive content
requirement-R14 = No copies of what is under copyright
requirement-R15 = No large attachments
requirement-R16 = The sender is who it says
requirement-R17 = Recipients are checked
requirement-R18 = Confidential documents by secure methods only
requirement-R19 = Pictures of pupils: names, consent, private equipment
requirement-R20 = Passwords are given to nobody
requirement-R21 = What is for internal use stays inside
requirement-R23 = The filter is not got round
requirement-R33 = Accounts of leavers are shut
requirement-X1 = Police, social care and authorities may be told
requirement-X2 = Doubtful mail goes to the helpdesk
requirement-X3 = Some channels are read by no reviewer
requirement-X4 = Personal mail is left alone
requirement-X5 = Exceptions are dated
requirement-G1 = Users are told that mail is monitored
requirement-G2 = Records are kept; who may see them
requirement-G3 = How long things are kept
requirement-G4 = Who is told of incidents
requirement-G5 = Changes have a reason and a second person
requirement-G6 = Limits, tests and training
