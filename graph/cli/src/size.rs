//! Sizes as options take them: `4096`, `64KiB`, `2G`; and where pages are meant too, `16p`.

use foliograph::storage_core::pager::LOG_LIMITS;

/// A size in bytes, or in pages.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CacheSize {
    /// Bytes.
    Bytes(usize),
    /// Pages of the store.
    Pages(usize),
}

/// Bytes: a whole number, alone or with `K`, `M`, `G`, `T` (also `KiB`, `KB`, …: always powers of 1024) or `B`.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is no size; write `4096`, `64MiB` or `2G`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.trim_end().parse().map_err(|_| wrong())?;
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is more than this machine can address"))
}

/// Bytes that a log may have.
pub fn parse_log(text: &str) -> Result<u64, String> {
    let (least, most) = LOG_LIMITS;
    let bytes = parse_bytes(text)? as u64;
    if (least..=most).contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (least >> 10, most >> 30);
    Err(format!("`{text}` is no size for a log; it is from {least}KiB to {most}GiB"))
}

/// Bytes, or pages: `16p`.
pub fn parse_cache(text: &str) -> Result<CacheSize, String> {
    match text.strip_suffix(['p', 'P']) {
        Some(pages) => pages
            .parse()
            .map(CacheSize::Pages)
            .map_err(|_| format!("`{text}` is no number of pages; write for example `16p`")),
        None => parse_bytes(text).map(CacheSize::Bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("0", 0), ("4096", 4096), ("4096B", 4096), ("64MiB", 64 << 20), ("2G", 2 << 30), ("1 kb", 1024)]
        {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_cache("16p"), Ok(CacheSize::Pages(16)));
        assert_eq!(parse_cache("16MiB"), Ok(CacheSize::Bytes(16 << 20)));
        for text in ["", "p", "1.5M", "-1", "5X", "99999999999999999999", "99999999999T", "1Gp"] {
            assert!(parse_cache(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_log_has_at_least_two_extents_and_at_most_a_gibibyte() {
        for (text, bytes) in [("512KiB", 512 << 10), ("16M", 16 << 20), ("1G", 1 << 30)] {
            assert_eq!(parse_log(text), Ok(bytes), "{text}");
        }
        for text in ["0", "524287", "1025M", "2T", "x"] {
            assert!(parse_log(text).is_err(), "{text}");
        }
        assert!(parse_log("0").unwrap_err().contains("from 512KiB to 1GiB"));
    }
}
