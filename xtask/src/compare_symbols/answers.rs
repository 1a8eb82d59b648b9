//! Answers by question, from two sides, and where they differ.

use std::collections::{BTreeMap, BTreeSet};

/// What is answered where there is no answer.
pub const NOTHING: &str = "nothing";

/// Answers by question; a question can have several.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// One more answer to a question.
    pub fn add(&mut self, question: impl Into<String>, answer: impl Into<String>) {
        self.0.entry(question.into()).or_default().push(answer.into());
    }

    /// The answer once, however often it was given.
    pub fn add_once(&mut self, question: impl Into<String>, answer: impl Into<String>) {
        let (known, answer) = (self.0.entry(question.into()).or_default(), answer.into());
        if !known.contains(&answer) {
            known.push(answer);
        }
    }

    /// The questions.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn get(&self, question: &str) -> String {
        let mut answers = self.0.get(question).cloned().unwrap_or_default();
        answers.sort();
        if answers.is_empty() { NOTHING.to_owned() } else { answers.join(" and ") }
    }
}

/// The same questions about one program to both sides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// File name of the program.
    pub program: &'static str,
    /// What was asked.
    pub questions: &'static str,
    /// What our reader says.
    pub ours: Answers,
    /// What the other one says.
    pub theirs: Answers,
}

/// Two answers to one question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The question.
    pub key: String,
    /// Our answer.
    pub ours: String,
    /// The other one.
    pub theirs: String,
}

impl Comparison {
    fn questions(&self) -> BTreeSet<&str> {
        self.ours.questions().chain(self.theirs.questions()).collect()
    }

    /// How many questions were asked.
    pub fn count(&self) -> usize {
        self.questions().len()
    }

    /// The questions that were answered differently.
    pub fn differences(&self) -> Vec<Difference> {
        let difference = |key: &str| {
            let (ours, theirs) = (self.ours.get(key), self.theirs.get(key));
            (ours != theirs).then(|| Difference { key: key.to_owned(), ours, theirs })
        };
        self.questions().into_iter().filter_map(difference).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(entries: &[(&str, &str)]) -> Answers {
        let mut answers = Answers::default();
        entries.iter().for_each(|(question, answer)| answers.add(*question, *answer));
        answers
    }

    #[track_caller]
    fn check(ours: &[(&str, &str)], theirs: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
        let comparison =
            Comparison { program: "a.exe", questions: "names", ours: answers(ours), theirs: answers(theirs) };
        let found = comparison.differences();
        let found: Vec<_> = found.iter().map(|found| (&*found.key, &*found.ours, &*found.theirs)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_differs_or_is_on_one_side_only_is_found() {
        check(&[("f", "1"), ("g", "2")], &[("f", "1"), ("g", "2")], &[]);
        check(&[("f", "1"), ("g", "2")], &[("f", "1"), ("g", "3")], &[("g", "2", "3")]);
        check(&[("f", "1")], &[], &[("f", "1", "nothing")]);
        check(&[], &[("f", "1")], &[("f", "nothing", "1")]);
        check(&[("f", "1"), ("f", "2")], &[("f", "2"), ("f", "1")], &[]);
        check(&[("f", "1"), ("f", "1")], &[("f", "1")], &[("f", "1 and 1", "1")]);
    }
}
