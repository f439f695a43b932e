# What stands around every page.
product = Beadle
sign-out = Sign out
skip = Skip to main content
error-title = There is a problem
every-school = Every school
nav-overview = Overview
role-dpo = Data protection officer
role-head = Head or delegate
role-it = IT
role-auditor = Auditor
role-sender = Sender

# What was just done.
done-signed-out = You have signed out.
done-sessions-ended = Every other session has ended.
