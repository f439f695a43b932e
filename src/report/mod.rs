//! Figures of a period, and their forms on paper and screen.
