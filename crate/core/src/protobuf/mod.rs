//! Reading protobuf. prost writes messages and is the oracle of this reader; as a reader it is one function per type of
//! field and nesting, several times the code.

/// What is wrong with the bytes.
pub(crate) type Fault = &'static str;

/// Value of a field as it stands in the bytes.
#[derive(Clone, Copy)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Four([u8; 4]),
    Bytes(&'a [u8]),
    /// Eight bytes, which no message here has.
    Eight,
}

/// The bytes of a message that are still to be read.
pub(crate) struct Source<'a>(&'a [u8]);

/// A message: where the value of each of its fields goes.
pub(crate) trait Message {
    /// The place of field `tag`; values of fields that the message lacks are skipped.
    fn slot(&mut self, tag: u32) -> Option<&mut dyn Slot>;
}

/// Where the value of a field goes. A repeated field takes several, one after the other or packed.
pub(crate) trait Slot {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault>;
}

/// Reads a message.
///
/// # Errors
/// The field and what is wrong with it.
pub(crate) fn read<T: Message + Default>(bytes: &[u8]) -> Result<T, String> {
    let mut message = T::default();
    let mut last = 0;
    fill(&mut message, bytes, &mut last).map_err(|fault| format!("at or after field {last}: {fault}"))?;
    Ok(message)
}

/// `last` becomes the number of each field before its value is taken.
fn fill(message: &mut dyn Message, bytes: &[u8], last: &mut u32) -> Result<(), Fault> {
    let mut source = Source(bytes);
    while let Some((tag, value)) = source.field()? {
        *last = tag;
        if let Some(slot) = message.slot(tag) {
            slot.take(value)?;
        }
    }
    Ok(())
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Source<'a> {
        Source(bytes)
    }

    /// The bytes that are still to be read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next field's number and value; `None` at the end. Groups, which protobuf has given up, are refused.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Raw<'a>)>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| "a field's number is too large")?;
        let value = match key & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => self.bytes(8).map(|_| Raw::Eight)?,
            2 => {
                let length = self.varint()?;
                Raw::Bytes(self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            5 => {
                let four = self.bytes(4)?.first_chunk();
                Raw::Four(four.copied().unwrap_or_default())
            }
            _ => return Err("a value of a kind that is not read"),
        };
        match key >> 3 {
            0 => Err("a field with the number 0"),
            tag => Ok(Some((tag, value))),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or("the bytes end too early")?;
        self.0 = rest;
        Ok(bytes)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for (at, byte) in self.0.iter().enumerate().take(10) {
            value |= u64::from(byte & 127) << (7 * at);
            if *byte < 128 {
                self.0 = &self.0[at + 1..];
                // Of the tenth byte one bit is left.
                return if at < 9 || *byte < 2 {
                    Ok(value)
                } else {
                    Err("a number is too large")
                };
            }
        }
        Err("a number does not end")
    }
}

const WRONG: Fault = "a value of another type than the field's";

impl Raw<'_> {
    fn varint(self) -> Result<u64, Fault> {
        match self {
            Raw::Varint(value) => Ok(value),
            _ => Err(WRONG),
        }
    }

    /// Hands over the numbers of a repeated field, packed or not.
    fn varints(self, mut each: impl FnMut(u64)) -> Result<(), Fault> {
        match self {
            Raw::Bytes(packed) => {
                let mut source = Source(packed);
                while !source.0.is_empty() {
                    each(source.varint()?);
                }
            }
            single => each(single.varint()?),
        }
        Ok(())
    }
}

impl Slot for u32 {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        *self = value.varint()? as u32;
        Ok(())
    }
}

impl Slot for i32 {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        *self = value.varint()? as i32;
        Ok(())
    }
}

impl Slot for i64 {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        *self = value.varint()?.cast_signed();
        Ok(())
    }
}

impl Slot for bool {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        *self = value.varint()? != 0;
        Ok(())
    }
}

impl Slot for Vec<u8> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        let Raw::Bytes(bytes) = value else { return Err(WRONG) };
        *self = bytes.to_vec();
        Ok(())
    }
}

impl Slot for String {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        let Raw::Bytes(bytes) = value else { return Err(WRONG) };
        *self = core::str::from_utf8(bytes)
            .map_err(|_| "a text that is not UTF-8")?
            .to_owned();
        Ok(())
    }
}

impl Slot for Vec<String> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        let mut text = String::new();
        text.take(value)?;
        self.push(text);
        Ok(())
    }
}

impl Slot for Vec<u32> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        value.varints(|value| self.push(value as u32))
    }
}

/// `sint64`: the sign is the lowest bit.
impl Slot for Vec<i64> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        value.varints(|value| self.push((value >> 1).cast_signed() ^ -(value & 1).cast_signed()))
    }
}

impl Slot for Vec<f32> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        let single;
        let fours = match value {
            Raw::Bytes(packed) => match packed.as_chunks::<4>() {
                (fours, []) => fours,
                _ => return Err("the bytes end too early"),
            },
            Raw::Four(four) => {
                single = [four];
                &single
            }
            _ => return Err(WRONG),
        };
        self.extend(fours.iter().map(|four| f32::from_le_bytes(*four)));
        Ok(())
    }
}

impl<T: Message + Default> Slot for Vec<T> {
    fn take(&mut self, value: Raw<'_>) -> Result<(), Fault> {
        let Raw::Bytes(bytes) = value else { return Err(WRONG) };
        let mut message = T::default();
        fill(&mut message, bytes, &mut 0)?;
        self.push(message);
        Ok(())
    }
}

/// Says of a message where its fields go: `message!(Type { 1 => version, 2 => ids })`.
macro_rules! message {
    ($type:ident { $($tag:literal => $field:ident),* $(,)? }) => {
        impl $crate::protobuf::Message for $type {
            fn slot(&mut self, tag: u32) -> Option<&mut dyn $crate::protobuf::Slot> {
                Some(match tag {
                    $($tag => &mut self.$field,)*
                    _ => return None,
                })
            }
        }
    };
}
pub(crate) use message;

#[cfg(test)]
mod tests;
