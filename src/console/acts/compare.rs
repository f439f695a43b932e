//! Two texts line by line: what was taken out and what was put in.
//!
//! # Invariants
//! Bounded: texts that differ over too many lines are not compared, and that is said. Memory and work are the product of the lines that
//! differ, at most four million.

/// Lines, of each text, between the first and the last difference, that are compared: the largest policy has 1,500.
const LINES: usize = 2_000;
/// Lines shown around a difference.
const AROUND: usize = 3;

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DiffLine {
    /// `same`, `out`, `in`, or `gap` where lines that are the same are left out.
    pub kind: &'static str,
    /// Its text.
    pub text: String,
}

/// The lines of `after` beside those of `before`; `None` when they differ over too many.
pub fn lines(before: &str, after: &str) -> Option<Vec<DiffLine>> {
    let before: Vec<&str> = before.lines().collect();
    let after: Vec<&str> = after.lines().collect();
    let head = before
        .iter()
        .zip(&after)
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    if old.len() > LINES || new.len() > LINES {
        return None;
    }
    let mut all: Vec<(&'static str, &str)> = Vec::with_capacity(before.len() + new.len());
    all.extend(before[..head].iter().map(|line| ("same", *line)));
    differing(old, new, &mut all);
    all.extend(
        before[before.len() - tail..]
            .iter()
            .map(|line| ("same", *line)),
    );
    Some(shortened(&all))
}

/// Longest common subsequence of both, by the table of its lengths.
fn differing<'t>(old: &[&'t str], new: &[&'t str], all: &mut Vec<(&'static str, &'t str)>) {
    let width = new.len() + 1;
    let mut lengths = vec![0u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * width + j] = if old[i] == new[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push(("same", old[i]));
            i += 1;
            j += 1;
        } else if j == new.len()
            || (i < old.len() && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
        {
            all.push(("out", old[i]));
            i += 1;
        } else {
            all.push(("in", new[j]));
            j += 1;
        }
    }
}

/// Only the neighbourhood of what differs.
fn shortened(all: &[(&'static str, &str)]) -> Vec<DiffLine> {
    let near = |index: usize| {
        let from = index.saturating_sub(AROUND);
        let to = (index + AROUND + 1).min(all.len());
        all[from..to].iter().any(|(kind, _)| *kind != "same")
    };
    let mut shown: Vec<DiffLine> = Vec::new();
    for (index, (kind, text)) in all.iter().enumerate() {
        if near(index) {
            shown.push(DiffLine {
                kind,
                text: (*text).to_owned(),
            });
        } else if shown.last().is_none_or(|last| last.kind != "gap") {
            shown.push(DiffLine {
                kind: "gap",
                text: String::new(),
            });
        }
    }
    if shown.len() == 1 && shown[0].kind == "gap" {
        shown.clear();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(before: &str, after: &str) -> String {
        let sign = |line: &DiffLine| match line.kind {
            "in" => format!("+{}", line.text),
            "out" => format!("-{}", line.text),
            "gap" => "…".to_owned(),
            _ => line.text.clone(),
        };
        let lines = lines(before, after).unwrap();
        lines.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_was_taken_out_and_put_in() {
        assert_eq!(short("a\nb\nc", "a\nB\nc"), "a -b +B c");
        assert_eq!(short("a\nb", "a\nb"), "");
        assert_eq!(short("", "a"), "+a");
        assert_eq!(short("a\nb", ""), "-a -b");
        assert_eq!(short("a\nc", "a\nb\nc"), "a +b c");
    }

    #[test]
    fn what_is_the_same_far_from_it_is_left_out() {
        let many = (0..20).map(|n| n.to_string()).collect::<Vec<_>>();
        let before = many.join("\n");
        let after = before.replace("10", "ten");
        assert_eq!(short(&before, &after), "… 7 8 9 -10 +ten 11 12 13 …");
    }

    #[test]
    fn two_texts_of_a_book_each_are_not_compared() {
        let book = |word: &str| format!("{word}\n").repeat(LINES + 1);
        assert_eq!(lines(&book("a"), &book("b")), None);
    }
}
