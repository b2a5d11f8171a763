//! Source text with comments and the insides of literals blanked, line by line the same: what rules about code look at.
//!
//! No parser: it knows comments (nested ones too), strings (raw and plain), characters and lifetimes, and functions by
//! their braces. That is enough to say where a word is code.

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    pub text: String,
    /// The text without comments and literals.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lines of the code, counted from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    /// Name, first line and number of lines of every function with a body.
    pub fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut found = Vec::new();
        let mut open: Vec<(String, usize, usize)> = Vec::new();
        let (mut depth, mut pending) = (0, None);
        for (number, line) in self.code_lines() {
            let name = function_name(line);
            let mut at = name.map(|(_, start)| start);
            for (i, c) in line.char_indices() {
                if at.is_some_and(|start| i == start) {
                    pending = name.map(|(name, _)| (name.to_owned(), number));
                    at = None;
                }
                match c {
                    '{' => {
                        depth += 1;
                        if let Some((name, first)) = pending.take() {
                            open.push((name, first, depth));
                        }
                    }
                    '}' => {
                        if let Some((name, first, _)) = open.pop_if(|(.., inside)| *inside == depth) {
                            found.push((name, first, number - first + 1));
                        }
                        depth -= 1;
                    }
                    // A declaration without a body; `[u8; 4]` among the arguments has its bracket behind it.
                    ';' if !line[i..].contains(']') => pending = None,
                    _ => {}
                }
            }
        }
        found
    }
}

/// Whether a word stands in a line, not as a part of another.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

/// The name behind the first `fn` of a line, and where it begins; not of a type like `fn(u8)`.
fn function_name(line: &str) -> Option<(&str, usize)> {
    let at = if line.starts_with("fn ") { 3 } else { line.find(" fn ")? + 4 };
    let end = line[at..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len() - at);
    (end > 0).then(|| (&line[at..at + end], at))
}

fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let literal = literal_len(rest, out.chars().next_back());
        if literal > 0 {
            out.extend(rest[..literal].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[literal..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How long the comment or literal is that begins here; 0 if none does.
fn literal_len(text: &str, before: Option<char>) -> usize {
    let within = |end: Option<usize>| end.unwrap_or(text.len());
    if text.starts_with("//") {
        return within(text.find('\n'));
    }
    if text.starts_with("/*") {
        return block_comment_len(text);
    }
    if text.starts_with('"') {
        return quoted_len(text, '"');
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).filter(|_| !in_word);
    if let Some(after) = raw {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = text.len() - after.len() + hashes + 1;
            return within(text[start..].find(&close).map(|at| start + at + close.len()));
        }
    }
    if let Some(after) = text.strip_prefix('\'') {
        let mut chars = after.chars();
        let (first, second) = (chars.next(), chars.next());
        // 'a' and '\n' are characters; 'a is a lifetime.
        if first == Some('\\') || second == Some('\'') {
            return quoted_len(text, '\'');
        }
    }
    0
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
