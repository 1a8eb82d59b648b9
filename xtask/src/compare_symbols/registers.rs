//! Names of registers: every tool has its own.

/// A register in small letters, without the processor before it: `ARM_R4`, `ARM64_X8`, `EAX`, `%r8d`.
pub fn common_name(name: &str) -> String {
    let name = name.trim_start_matches('%').to_ascii_lowercase();
    let name =
        ["arm64_", "arm_", "amd64_", "cv_reg_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_tools_are_one() {
        let check = |name, expected: &str| assert_eq!(common_name(name), expected);
        check("ARM_R4", "r4");
        check("ARM64_X8", "x8");
        check("EAX", "eax");
        check("r8d", "r8d");
    }
}
