nav-roster = Roster
roster-title = Roster
roster-people = { $n ->
    [0] No pupil is looked for by name
    [one] 1 pupil is looked for by name
   *[other] { $n } pupils are looked for by name
}
roster-taken-up = The relay took the roster up on
roster-nobody = There is no roster, so no pupil’s name can be found in any message. Ask IT to set trust.roster.
roster-fresh = Every file is as it was when the relay took it up.
roster-stale = A file has changed since the relay took it up, or cannot be found. Until IT reloads the relay, pupils who have joined are not looked for.
roster-files = Files of the roster
roster-file = File
roster-folder = (folder)
roster-lists = Lists
roster-pupils = Pupils
roster-staff = Staff
roster-changed = Last changed
roster-state = State
roster-unseen = Cannot be looked at
roster-newer = Changed since
roster-missing = Missing
roster-used = In use
roster-count-title = What is in the files
roster-count-help = Counts the pupils of each school and the rows that could not be read. No name is shown.
roster-count-button = Count the files
roster-counting = The files are being counted since
roster-count-failed = The files could not be counted. IT finds the reason in the log.
roster-counted = Counted on
roster-problem = A file cannot be used:
roster-by-school = Pupils by school, as the files name it
roster-school = School
roster-no-school = No school named
roster-staff-number = { $n ->
    [one] 1 member of staff is listed.
   *[other] { $n } members of staff are listed.
}
roster-read = How each file is read
roster-kind = Kind
roster-rows = Rows
roster-persons = People
roster-left-out = Rows left out
roster-doubtful = Rows read in part
roster-rows-help = IT finds the numbers of these rows with: beadle roster check FILE
done-roster-count = The files were counted, or are being counted.
