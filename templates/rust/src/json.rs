// SPDX-License-Identifier: GPL-2.0-or-later
//! Just enough JSON for requests, which are machine-written and whose numbers are integers. A bigger implementation is better
//! off with the serde_json crate.

use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

pub fn text(value: &str) -> Value {
    Value::Text(value.to_string())
}

pub fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

impl Value {
    /// The field of an object; `Null` when there is none.
    pub fn get(&self, name: &str) -> &Value {
        match self {
            Value::Object(fields) => fields.iter().find(|(key, _)| key == name).map_or(&Value::Null, |(_, value)| value),
            _ => &Value::Null,
        }
    }

    /// The field of an object, to be changed; it is made when there is none. Panics on what is not an object.
    pub fn entry(&mut self, name: &str) -> &mut Value {
        let Value::Object(fields) = self else { panic!("{name} of something that is not an object") };
        let index = fields.iter().position(|(key, _)| key == name).unwrap_or_else(|| {
            fields.push((name.to_string(), Value::Null));
            fields.len() - 1
        });
        &mut fields[index].1
    }

    /// The text, or an empty one.
    pub fn as_str(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The number, or zero.
    pub fn as_number(&self) -> i64 {
        match self {
            Value::Number(number) => *number,
            _ => 0,
        }
    }

    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, output: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Null => output.write_str("null"),
            Value::Bool(value) => write!(output, "{value}"),
            Value::Number(value) => write!(output, "{value}"),
            Value::Text(value) => write_text(output, value),
            Value::List(items) => {
                output.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(output, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                output.write_str("]")
            }
            Value::Object(fields) => {
                output.write_str("{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    output.write_str(if i > 0 { "," } else { "" })?;
                    write_text(output, name)?;
                    write!(output, ":{value}")?;
                }
                output.write_str("}")
            }
        }
    }
}

fn write_text(output: &mut fmt::Formatter, value: &str) -> fmt::Result {
    output.write_str("\"")?;
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b @ (b'"' | b'\\')) => write!(output, "\\{}", b as char)?,
            Ok(b @ 0x20..=0x7e) => write!(output, "{}", b as char)?,
            _ => write!(output, "\\u{unit:04x}")?,
        }
    }
    output.write_str("\"")
}

/// Reads one value. Panics on what is not JSON: the runner then shows the message.
pub fn parse(text: &str) -> Value {
    Parser { bytes: text.as_bytes(), at: 0 }.value()
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> u8 {
        while self.at < self.bytes.len() && self.bytes[self.at].is_ascii_whitespace() {
            self.at += 1;
        }
        *self.bytes.get(self.at).expect("more JSON")
    }

    fn expect(&mut self, byte: u8) {
        assert_eq!(self.peek() as char, byte as char, "at byte {}", self.at);
        self.at += 1;
    }

    /// Whether another item follows; eats the comma or the closing bracket.
    fn more(&mut self, first: bool, close: u8) -> bool {
        if self.peek() == close {
            self.at += 1;
            return false;
        }
        if !first {
            self.expect(b',');
        }
        true
    }

    fn value(&mut self) -> Value {
        match self.peek() {
            b'{' => {
                self.at += 1;
                let mut fields = Vec::new();
                while self.more(fields.is_empty(), b'}') {
                    self.peek();
                    let name = self.text();
                    self.expect(b':');
                    fields.push((name, self.value()));
                }
                Value::Object(fields)
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                while self.more(items.is_empty(), b']') {
                    items.push(self.value());
                }
                Value::List(items)
            }
            b'"' => Value::Text(self.text()),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Value {
        let start = self.at;
        while self.at < self.bytes.len() && (self.bytes[self.at].is_ascii_alphanumeric() || self.bytes[self.at] == b'-') {
            self.at += 1;
        }
        match std::str::from_utf8(&self.bytes[start..self.at]).expect("ASCII") {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => Value::Number(number.parse().expect("an integer")),
        }
    }

    fn text(&mut self) -> String {
        self.expect(b'"');
        let mut units = Vec::new();
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            match byte {
                b'"' => return String::from_utf16(&units).expect("UTF-16"),
                b'\\' => units.push(self.escape()),
                _ => units.push(byte.into()), // requests are ASCII
            }
        }
    }

    fn escape(&mut self) -> u16 {
        let byte = self.bytes[self.at];
        self.at += 1;
        match byte {
            b'n' => 10,
            b't' => 9,
            b'r' => 13,
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let digits = std::str::from_utf8(&self.bytes[self.at..self.at + 4]).expect("four digits");
                self.at += 4;
                u16::from_str_radix(digits, 16).expect("hex digits")
            }
            other => other.into(),
        }
    }
}
