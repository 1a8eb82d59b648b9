//! What the tidy gate needs to know of one Rust file, taken from its syntax tree.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A function is a flat match when it has at most this many lines around the match.
const LINES_AROUND_A_MATCH: usize = 20;
/// An arm of a flat match has at most this many lines.
const ARM_LINES: usize = 6;

/// The facts of one file.
#[derive(Debug, Default)]
pub struct Facts {
    /// Functions with a body, nested ones included.
    pub functions: Vec<Function>,
    /// Macros called, also inside the arguments of other macros; the name without its path.
    pub macros: Vec<Mention>,
    /// Paths used or imported, groups flattened: `use a::{b, c}` gives `a::b` and `a::c`.
    pub paths: Vec<Mention>,
    /// Lines of tests that are ignored.
    pub ignored_tests: Vec<usize>,
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
    /// Whether its length is that of one match with short arms.
    pub is_flat_match: bool,
}

/// A name and where it stands.
#[derive(Debug)]
pub struct Mention {
    /// The macro's name or the path.
    pub name: String,
    /// Line from 1.
    pub line: usize,
    /// Whether it stands in code that exists in tests only.
    pub in_test: bool,
}

/// Reads the facts of a file.
///
/// # Errors
/// The line and the cause when the text is not Rust.
pub fn read(source: &str) -> Result<Facts, (usize, String)> {
    let file = syn::parse_file(source).map_err(|error| (error.span().start().line, error.to_string()))?;
    let mut reader = Reader::default();
    reader.visit_file(&file);
    Ok(reader.facts)
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    in_test: bool,
}

impl Reader {
    fn mention(&self, name: String, line: usize) -> Mention {
        Mention { name, line, in_test: self.in_test }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = line_of(&signature.fn_token);
        let lines = block.brace_token.span.close().end().line + 1 - line;
        let mut largest = LargestMatch::default();
        largest.visit_block(block);
        let is_flat_match = largest.longest_arm <= ARM_LINES && lines - largest.lines <= LINES_AROUND_A_MATCH;
        self.facts.functions.push(Function { name: signature.ident.to_string(), line, lines, is_flat_match });
    }

    /// Visits the inside of an item, which is test code if its attributes say so.
    fn inside(&mut self, attributes: &[syn::Attribute], visit: impl FnOnce(&mut Self)) {
        let outside = self.in_test;
        self.in_test |= attributes.iter().any(is_test_only);
        visit(self);
        self.in_test = outside;
    }

    fn import(&mut self, prefix: &str, tree: &syn::UseTree) {
        let joined =
            |ident: &syn::Ident| if prefix.is_empty() { ident.to_string() } else { format!("{prefix}::{ident}") };
        let (name, ident) = match tree {
            syn::UseTree::Path(path) => return self.import(&joined(&path.ident), &path.tree),
            syn::UseTree::Group(group) => return group.items.iter().for_each(|item| self.import(prefix, item)),
            syn::UseTree::Name(name) if name.ident == "self" => (prefix.to_owned(), &name.ident),
            syn::UseTree::Name(name) => (joined(&name.ident), &name.ident),
            syn::UseTree::Rename(rename) if rename.ident == "self" => (prefix.to_owned(), &rename.ident),
            syn::UseTree::Rename(rename) => (joined(&rename.ident), &rename.ident),
            _ => return,
        };
        let mention = self.mention(name, line_of(ident));
        self.facts.paths.push(mention);
    }

    /// Macro arguments have no syntax tree: names are found by their punctuation.
    fn tokens(&mut self, stream: TokenStream) {
        let mut path = String::new();
        let mut line = 0;
        for token in stream {
            match &token {
                TokenTree::Ident(ident) if path.ends_with("::") => path.push_str(&ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.end_path(&path, line);
                    (path, line) = (ident.to_string(), ident.span().start().line);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => path.push(':'),
                TokenTree::Punct(punct) if punct.as_char() == '!' && !path.is_empty() => {
                    let name = path.rsplit("::").next().unwrap_or(&path).to_owned();
                    let mention = self.mention(name, line);
                    self.facts.macros.push(mention);
                    path.clear();
                }
                _ => {
                    self.end_path(&path, line);
                    path.clear();
                }
            }
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream());
            }
        }
        self.end_path(&path, line);
    }

    fn end_path(&mut self, path: &str, line: usize) {
        if path.contains("::") {
            let mention = self.mention(path.trim_end_matches(':').to_owned(), line);
            self.facts.paths.push(mention);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        self.inside(&item.attrs, |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        self.inside(&item.attrs, |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside(&item.attrs, |reader| visit::visit_item_mod(reader, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.inside(&item.attrs, |reader| visit::visit_item_impl(reader, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.inside(&item.attrs, |reader| reader.import("", &item.tree));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let name = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::");
        let mention = self.mention(name, line_of(path));
        self.facts.paths.push(mention);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last() {
            let mention = self.mention(last.ident.to_string(), line_of(&last.ident));
            self.facts.macros.push(mention);
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let is_conditional = attribute.path().is_ident("cfg_attr");
        if attribute.path().is_ident("ignore") || is_conditional && has_ident(&attribute.meta, "ignore") {
            self.facts.ignored_tests.push(line_of(attribute));
        }
    }
}

/// The match with the most lines below a node.
#[derive(Default)]
struct LargestMatch {
    lines: usize,
    longest_arm: usize,
}

impl<'ast> Visit<'ast> for LargestMatch {
    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let lines = line_count(expression);
        if lines > self.lines {
            let longest_arm = expression.arms.iter().map(line_count).max().unwrap_or(0);
            *self = Self { lines, longest_arm };
        }
        visit::visit_expr_match(self, expression);
    }
}

fn line_of(node: &impl Spanned) -> usize {
    node.span().start().line
}

fn line_count(node: &impl Spanned) -> usize {
    let span = node.span();
    span.end().line + 1 - span.start().line
}

/// `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn is_test_only(attribute: &syn::Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string().replace(' ', "");
    list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
}

fn has_ident(meta: &syn::Meta, wanted: &str) -> bool {
    matches!(meta, syn::Meta::List(list) if stream_has_ident(list.tokens.clone(), wanted))
}

fn stream_has_ident(stream: TokenStream, wanted: &str) -> bool {
    stream.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == wanted,
        TokenTree::Group(group) => stream_has_ident(group.stream(), wanted),
        _ => false,
    })
}
