//! Cells that agree become rectangles: first runs in a line, then equal runs of lines below each other.

/// A rectangle of cells with one key; in cells from the left and from the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rect<K> {
    pub key: K,
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Rectangles that tile a grid of `columns` columns, given line by line.
pub fn merged<K: Copy + PartialEq>(columns: usize, keys: &[K]) -> Vec<Rect<K>> {
    let mut done = Vec::new();
    let mut open: Vec<Rect<K>> = Vec::new();
    for (y, line) in keys.chunks(columns.max(1)).enumerate() {
        let mut above = open.into_iter().peekable();
        let mut next = Vec::new();
        let mut x = 0;
        for run in line.chunk_by(|left, right| left == right) {
            let mut rect = Rect { key: run[0], x, y, width: run.len(), height: 1 };
            while let Some(candidate) = above.next_if(|rect| rect.x <= x) {
                if (candidate.x, candidate.width, candidate.key) == (rect.x, rect.width, rect.key) {
                    rect = Rect { height: candidate.height + 1, ..candidate };
                } else {
                    done.push(candidate);
                }
            }
            next.push(rect);
            x += run.len();
        }
        done.extend(above);
        open = next;
    }
    done.extend(open);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: usize, cells: &str, expected: &[(char, usize, usize, usize, usize)]) {
        let keys: Vec<char> = cells.chars().filter(|c| !c.is_whitespace()).collect();
        let rects = merged(columns, &keys);
        let mut found: Vec<_> = rects.iter().map(|r| (r.key, r.x, r.y, r.width, r.height)).collect();
        found.sort_by_key(|&(_, x, y, ..)| (y, x));
        assert_eq!(found, expected);
        let mut painted = vec![' '; keys.len()];
        for rect in rects {
            for n in 0..rect.width * rect.height {
                let cell = &mut painted[(rect.y + n / rect.width) * columns + rect.x + n % rect.width];
                assert_eq!(std::mem::replace(cell, rect.key), ' ', "painted twice");
            }
        }
        assert_eq!(painted, keys);
    }

    #[test]
    fn rectangles_tile_the_grid() {
        check(3, "aaa aaa aaa", &[('a', 0, 0, 3, 3)]);
        check(3, "aab aab ccb", &[('a', 0, 0, 2, 2), ('b', 2, 0, 1, 3), ('c', 0, 2, 2, 1)]);
        check(
            4,
            "aabb abbb aabb",
            &[
                ('a', 0, 0, 2, 1),
                ('b', 2, 0, 2, 1),
                ('a', 0, 1, 1, 1),
                ('b', 1, 1, 3, 1),
                ('a', 0, 2, 2, 1),
                ('b', 2, 2, 2, 1),
            ],
        );
        check(1, "", &[]);
    }
}
