# What the pieces of pages say by themselves.
parts-nav = Main
parts-crumbs = Where you are
parts-tabs = Views of this page
parts-back = Back
parts-error = Error:
parts-warning = Warning
parts-day = Day
parts-month = Month
parts-year = Year
parts-previous = Previous
parts-next = Next
parts-pages = Pages
parts-table = The same as a table
parts-notice-success = Done
parts-notice-warning = Important
parts-foot = Keeps pupils’ personal data from leaving by e-mail.
