//! Names that are nearly the one that was asked for.

/// Letters that may differ.
const FARTHEST: usize = 2;

/// Letters to insert, delete or replace to turn one text into the other, case ignored; `None` when more than two.
pub(crate) fn distance(a: &str, b: &str) -> Option<usize> {
    let lower = |text: &str| text.chars().map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>();
    let (a, b) = (lower(a), lower(b));
    if a.len().abs_diff(b.len()) > FARTHEST {
        return None;
    }
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != other);
            current.push(replaced.min(above[column + 1] + 1).min(current[column] + 1));
        }
        above = current;
    }
    above.last().copied().filter(|distance| *distance <= FARTHEST)
}

/// How near a name is: changed letters, then names that hold the wanted one; `None` for any other. Short texts are near to
/// nothing.
pub(crate) fn rank(wanted: &str, name: &str) -> Option<usize> {
    const SHORTEST: usize = 3;
    if wanted.len() < SHORTEST || wanted.len() > 128 {
        return None;
    }
    let last = name.rsplit("::").next().unwrap_or(name);
    let near = [name, last].into_iter().filter_map(|name| distance(wanted, name)).min();
    let is_part = || name.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase());
    near.filter(|changed| *changed < wanted.len() - 1).or_else(|| is_part().then_some(FARTHEST + 1))
}
