//! JSON into trees.

use super::decimal::scaled;
use super::{MAX_DEPTH, Misfit, Tree};

/// What is wrong where the reading stopped.
type Fault = &'static str;

struct Source<'a> {
    text: &'a str,
    /// Next byte; it always begins a character.
    at: usize,
}

impl Tree {
    /// Parses JSON.
    ///
    /// # Errors
    /// [`Misfit`] where it is none, with line and column.
    ///
    /// ```
    /// use upnext_core::tree::Tree;
    /// assert_eq!(Tree::parse(b"[true, 1]"), Ok(Tree::List(vec![Tree::Bool(true), Tree::Signed(1)])));
    /// assert!(Tree::parse(b"[true, 1").unwrap_err().to_string().contains("line 1 column 8"));
    /// ```
    pub fn parse(json: &[u8]) -> Result<Tree, Misfit> {
        let text = core::str::from_utf8(json).map_err(|_| Misfit {
            path: String::new(),
            reason: "it is not UTF-8".to_owned(),
        })?;
        let mut source = Source { text, at: 0 };
        source.whole().map_err(|fault| {
            let read = text.as_bytes().get(..=source.at).unwrap_or(text.as_bytes());
            let lines = read.split(|byte| *byte == b'\n');
            let (line, column) = lines.fold((0, 0), |(line, _), text| (line + 1, text.len()));
            Misfit {
                path: String::new(),
                reason: format!("{fault} at line {line} column {column}"),
            }
        })
    }
}

impl Source<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `byte` if it is the next one.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.peek()
    }

    fn whole(&mut self) -> Result<Tree, Fault> {
        let tree = self.value(MAX_DEPTH)?;
        match self.token() {
            None => Ok(tree),
            Some(_) => Err("more text after the end"),
        }
    }

    fn value(&mut self, levels: u8) -> Result<Tree, Fault> {
        match self.token() {
            Some(b'{') => self.object(levels),
            Some(b'[') => self.list(levels),
            Some(b'"') => self.string().map(Tree::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => Err("the text ends too early"),
        }
    }

    fn word(&mut self) -> Result<Tree, Fault> {
        for (word, tree) in [
            ("null", Tree::Null),
            ("true", Tree::Bool(true)),
            ("false", Tree::Bool(false)),
        ] {
            if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
                self.at += word.len();
                return Ok(tree);
            }
        }
        Err("expected a value")
    }

    fn list(&mut self, levels: u8) -> Result<Tree, Fault> {
        let mut items = Vec::new();
        self.members(b']', levels, |source, levels| {
            items.push(source.value(levels)?);
            Ok(())
        })?;
        Ok(Tree::List(items))
    }

    fn object(&mut self, levels: u8) -> Result<Tree, Fault> {
        let mut members = Vec::new();
        self.members(b'}', levels, |source, levels| {
            if source.token() != Some(b'"') {
                return Err("expected a name in quotes");
            }
            let name = source.string()?;
            source.token();
            if !source.eat(b':') {
                return Err("expected `:`");
            }
            members.push((name, source.value(levels)?));
            Ok(())
        })?;
        Ok(Tree::Object(members))
    }

    /// What stands between the bracket that comes next and `end`, with commas between.
    fn members(
        &mut self,
        end: u8,
        levels: u8,
        mut member: impl FnMut(&mut Self, u8) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let levels = levels.checked_sub(1).ok_or("nested too deeply")?;
        self.at += 1;
        if self.token() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            member(self, levels)?;
            self.token();
            if self.eat(end) {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(match self.peek() {
                    None => "the text ends too early",
                    Some(_) => "expected a comma or the end of the list or object",
                });
            }
        }
    }

    /// A text; the next byte is its opening quote.
    fn string(&mut self) -> Result<String, Fault> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            if self.eat(b'"') {
                return Ok(out);
            }
            if !self.eat(b'\\') {
                return Err("a text that does not end, or a control character in it");
            }
            out.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, Fault> {
        let byte = self.peek().ok_or("the text ends too early")?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.unit()?;
                if (0xD800..0xDC00).contains(&code) && self.eat(b'\\') && self.eat(b'u') {
                    // A wrong second half makes no character.
                    let low = self.unit()?.wrapping_sub(0xDC00);
                    code = if low < 0x400 {
                        0x1_0000 + ((code - 0xD800) << 10) + low
                    } else {
                        0xD800
                    };
                }
                char::from_u32(code).ok_or("half of a surrogate pair")?
            }
            _ => {
                self.at -= 1;
                return Err("no such escape");
            }
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or("expected four hexadecimal digits")?;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Tree, Fault> {
        let negative = self.eat(b'-');
        let mut parts = Parts::default();
        if !self.eat(b'0') && !self.digits(|digit| parts.push(digit, 0)) {
            return Err("expected a digit");
        }
        let mut whole = parts.exponent == 0;
        if self.eat(b'.') {
            whole = false;
            if !self.digits(|digit| parts.push(digit, -1)) {
                return Err("expected a digit");
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let below = self.eat(b'-');
            if !below {
                self.eat(b'+');
            }
            let mut exponent = 0_i32;
            // So many zeros make any number zero or too large, whatever else it has.
            if !self.digits(|digit| exponent = (exponent * 10 + i32::from(digit)).min(100_000_000)) {
                return Err("expected a digit");
            }
            parts.exponent = parts.exponent.saturating_add(if below { -exponent } else { exponent });
        }
        let Parts { significand, exponent } = parts;
        if whole && !(negative && significand == 0) {
            let signed = i64::try_from(significand).map(|value| if negative { -value } else { value });
            match signed {
                Ok(value) => return Ok(Tree::Signed(value)),
                Err(_) if !negative => return Ok(Tree::Unsigned(significand)),
                Err(_) if significand == i64::MIN.unsigned_abs() => return Ok(Tree::Signed(i64::MIN)),
                Err(_) => {}
            }
        }
        let size = scaled(significand as f64, exponent);
        if size.is_finite() {
            return Ok(Tree::Float(if negative { -size } else { size }));
        }
        Err("a number out of range")
    }

    /// Hands over digits while there are some; true where there was one.
    fn digits(&mut self, mut each: impl FnMut(u8)) -> bool {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            each(digit - b'0');
            self.at += 1;
        }
        self.at > start
    }
}

/// `significand × 10^exponent`.
#[derive(Default)]
struct Parts {
    significand: u64,
    exponent: i32,
}

impl Parts {
    /// One more digit, before the point (`place` 0) or behind it (−1). Those that don't fit in 64 bits are left
    /// away: an `f64` doesn't hold them either.
    fn push(&mut self, digit: u8, place: i32) {
        let longer = self
            .significand
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit)));
        match longer.filter(|_| self.exponent <= 0) {
            Some(longer) => {
                self.significand = longer;
                self.exponent += place;
            }
            None => self.exponent += 1 + place,
        }
    }
}
