"""Makes labelled synthetic school mail: the label is planted first, the message is rendered around it."""
