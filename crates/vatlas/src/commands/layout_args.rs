//! Which layout: its name and the user limit, as options of every command that needs no dump.

use crate::failure::Failure;
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use vatlas_rules::{
    Layout,
    layout::{layout, title},
    parse_address,
};
use vatlas_space::{LayoutChoice, LayoutName, Va};

/// The layout of the founding text, when the user names none.
pub const USUAL: LayoutName = LayoutName::Ce5;

/// A layout and what the process decides of it.
#[derive(Args, Debug)]
pub struct LayoutArgs {
    /// Whose rules
    #[arg(long, value_name = "NAME", value_parser = name_parser(), ignore_case = true)]
    pub layout: Option<LayoutName>,
    /// Highest address that the process may use (nt32-3gb, wow64, nt64)
    #[arg(long, value_name = "ADDR", conflicts_with = "large_address_aware")]
    user_limit: Option<String>,
    /// The image is large-address-aware: the process may use all that the layout gives (nt32-3gb, wow64, nt64)
    #[arg(long)]
    large_address_aware: bool,
}

/// The names with what they stand for, so that a wrong one is answered with the right ones.
pub fn name_parser() -> impl TypedValueParser<Value = LayoutName> {
    let names = LayoutName::ALL.map(|name| PossibleValue::new(name.as_str()).help(title(name)));
    let short = PossibleValue::new("ce").help("short for ce5");
    PossibleValuesParser::new(names.into_iter().chain([short])).try_map(|text| text.parse::<LayoutName>())
}

impl LayoutArgs {
    /// The layout that the user named, or the usual one.
    ///
    /// # Errors
    /// The user limit is no address, or the layout has the same limit for every process.
    pub fn layout(&self) -> Result<Layout, Failure> {
        let name = self.layout.unwrap_or(USUAL);
        let highest_user = self.highest_user(name)?;
        Ok(layout(LayoutChoice { name, highest_user }))
    }

    fn highest_user(&self, name: LayoutName) -> Result<Option<Va>, Failure> {
        let option = match (&self.user_limit, self.large_address_aware) {
            (None, false) => return Ok(None),
            (Some(_), _) => "--user-limit",
            (None, true) => "--large-address-aware",
        };
        if !matches!(name, LayoutName::Nt32ThreeGb | LayoutName::Wow64 | LayoutName::Nt64) {
            let message = format!("{option}: in layout {name} all processes have the same limit");
            return Err(
                Failure::usage(message).hint("it differs between processes with --layout nt32-3gb, wow64 or nt64")
            );
        }
        let Some(text) = &self.user_limit else { return Ok(Some(name.width().last())) };
        let parsed = parse_address(text, name).map_err(|error| Failure::usage(format!("--user-limit: {error}")))?;
        let taken = layout(LayoutChoice { name, highest_user: Some(parsed.va) }).highest_user;
        if taken.0 | 0xffff != parsed.va.0 | 0xffff {
            let nearest = taken.text(name.width());
            let message = format!("--user-limit {}: layout {name} has no such limit", parsed.va.text(name.width()));
            return Err(Failure::usage(message).hint(format!("the nearest that it has is {nearest}")));
        }
        Ok(Some(parsed.va))
    }
}
