//! Finds the word that somebody who mistyped it probably meant.

/// The word of `words` that a slip of the finger turns into `word`, if there is one.
pub(super) fn nearest<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    let word = word.to_lowercase().replace('_', "-");
    words
        .iter()
        .map(|candidate| (distance(&word, &candidate.replace('_', "-")), *candidate))
        .filter(|(steps, candidate)| *steps <= 1 + candidate.len() / 4)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// Steps of inserting, dropping, replacing or swapping neighbours between two short words (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_mended_and_other_words_are_not() {
        let words = ["outside", "internal", "min_people"];
        assert_eq!(nearest("outsied", &words), Some("outside"));
        assert_eq!(nearest("Internal", &words), Some("internal"));
        assert_eq!(nearest("min-poeple", &words), Some("min_people"));
        assert_eq!(nearest("block", &words), None);
        assert_eq!(nearest("", &words), None);
    }
}
