//! The values of one direction of a connection: written first, put behind their definitions later.
//!
//! A value whose type was traced is written as that; any other, and one that turns out not to be what was traced, as
//! what it shows. What headers say is their callers' business.

use super::draft::Draft;
use crate::{
    error::EncodeError,
    gob::{
        cache::{ObservedType, ObservedTypes, Shared},
        define::{Headers, Table},
        ser::{self, Observation, SerError, Shape, Sink, Structs},
        types::Id,
        wire::{put_bytes, put_int},
    },
    schema::TypeOf,
};
use bytes::{BufMut, BytesMut};
use serde::Serialize;
use std::sync::Arc;

/// Changes after which what a connection knows is its own for good: values that show another type each time would
/// otherwise be looked up among all others each time.
const MAX_SHARED: u8 = 32;

/// What all connections know: clients of one program get the same types in the same order.
static KNOWN: Shared<Known> = Shared::new();

/// The types of one direction, and how the last values were written.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    table: Table,
    observed: ObservedTypes,
}

/// The values of one direction.
#[derive(Debug, Clone)]
pub(super) struct ValueWriter {
    known: Arc<Known>,
    /// Whether it has changed since [`Self::commit`], and how often it was shared after that.
    changed: bool,
    shared: u8,
    /// The place of the method used last: most calls are of the same method as the one before.
    last: u32,
}

impl ValueWriter {
    pub(super) fn new(headers: &'static Headers) -> Self {
        let mut known = Arc::new(Known { table: Table::new(headers), observed: ObservedTypes::default() });
        KNOWN.share(&mut known);
        Self { known, changed: false, shared: 0, last: 0 }
    }

    /// The types that have an id.
    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.known.table
    }

    fn known_mut(&mut self) -> &mut Known {
        self.changed = true;
        Arc::make_mut(&mut self.known)
    }

    /// Whether both keep what they know in one place.
    #[cfg(test)]
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.known, &other.known)
    }

    /// What has been defined so far has reached the peer, or will. What is known now is one with what other connections
    /// know, where that is the same.
    #[inline]
    pub(super) fn commit(&mut self) {
        if self.changed {
            self.share();
        }
    }

    #[cold]
    fn share(&mut self) {
        self.known_mut().table.commit();
        self.changed = false;
        if self.shared < MAX_SHARED && self.known.table.is_small() && self.known.observed.is_small() {
            self.shared += 1;
            KNOWN.share(&mut self.known);
        }
    }

    /// What was defined since [`Self::commit`] will not reach the peer.
    pub(super) fn rollback(&mut self) {
        if self.changed {
            self.known_mut().table.rollback();
        }
    }

    /// Writes a message into `draft`; nothing of it counts before [`Self::put`].
    #[inline]
    pub(super) fn write<T: Serialize + ?Sized>(
        &mut self,
        draft: &mut Draft,
        method: &[u8],
        value: &T,
        type_of: Option<&TypeOf>,
        reads_nil: bool,
    ) -> Result<(), EncodeError> {
        let id = match type_of {
            Some(type_of) => self.known.table.traced(type_of).flatten(),
            None => self.known.observed.at(self.last as usize, method).map(|observed| observed.id),
        };
        if let Some(id) = id
            && self.try_write(draft, value, id, &[]).is_ok()
        {
            return Ok(());
        }
        self.write_new(draft, method, value, type_of, reads_nil)
    }

    /// Writes a value whose type is new, or which is not of the type it was thought to be.
    #[cold]
    fn write_new<T: Serialize + ?Sized>(
        &mut self,
        draft: &mut Draft,
        method: &[u8],
        value: &T,
        type_of: Option<&TypeOf>,
        reads_nil: bool,
    ) -> Result<(), EncodeError> {
        let types = self.known.table.len();
        let mut written = Err(SerError::Mismatch(""));
        if let Some(type_of) = type_of {
            written = self.write_traced(draft, value, type_of);
        }
        if let Err(SerError::Mismatch(_)) = written {
            self.truncate(types);
            written = self.write_untraced(draft, method, value);
        }
        if let (Err(SerError::Nil), true) = (&written, reads_nil) {
            self.truncate(types);
            written = self.try_write(draft, &(), Id::INTERFACE, &[]);
        }
        written.map_err(|error| {
            self.truncate(types);
            EncodeError::new(error.to_string())
        })
    }

    fn truncate(&mut self, types: usize) {
        if self.known.table.len() > types {
            self.known_mut().table.truncate(types);
        }
    }

    /// # Errors
    /// [`SerError::Mismatch`] too if gob has no form for the traced type.
    fn write_traced<T: Serialize + ?Sized>(
        &mut self,
        draft: &mut Draft,
        value: &T,
        type_of: &TypeOf,
    ) -> Result<(), SerError> {
        let id = match self.known.table.traced(type_of) {
            Some(id) => id,
            None => self.known_mut().table.of_type(type_of)?,
        };
        let id = id.ok_or(SerError::Mismatch("a type without a static form"))?;
        let mut written = self.try_write(draft, value, id, &[]);
        if let Err(SerError::Unseen) = written {
            let Observation { held, structs, .. } = ser::observe(value, Structs::default())?;
            let ids = self.held_ids(&structs, &held)?;
            written = self.try_write(draft, value, id, &ids);
            draft.sink.uses.extend(ids);
        }
        if let Err(SerError::Mismatch(_)) = written {
            // What it writes is not what it reads: `rename(serialize = …)`, `serialize_with` and the like.
            self.known_mut().table.reject_trace(type_of);
        }
        written
    }

    /// Writes a value by what it shows, together with what earlier ones of the method have shown.
    fn write_untraced<T: Serialize + ?Sized>(
        &mut self,
        draft: &mut Draft,
        method: &[u8],
        value: &T,
    ) -> Result<(), SerError> {
        if let Some(place) = self.known.observed.place(method) {
            // There are far fewer methods than 2^32.
            self.last = place as u32;
        }
        let known = self.known.observed.at(self.last as usize, method);
        if let Some(&ObservedType { id, .. }) = known
            && self.try_write(draft, value, id, &[]).is_ok()
        {
            return Ok(());
        }
        let known = known.map(|observed| (observed.shape.clone(), observed.structs.clone()));
        if let Some((shape, structs)) = known
            && let Ok(mut observed) = ser::observe(value, structs)
            && observed.structs.may_be_one(&shape, &observed.shape)
            && let Ok(both) = observed.structs.merge(shape, observed.shape)
        {
            observed.shape = both;
            if self.write_observation(draft, method, value, observed).is_ok() {
                return Ok(());
            }
        }
        let observed = ser::observe(value, Structs::default())?;
        self.write_observation(draft, method, value, observed)
    }

    /// The ids of what interfaces hold.
    fn held_ids(&mut self, structs: &Structs, held: &[Shape]) -> Result<Vec<Id>, SerError> {
        let ids = self.known_mut().table.of_shapes(structs, held)?;
        ids.into_iter().collect::<Option<Vec<_>>>().ok_or(SerError::Unseen)
    }

    fn write_observation<T: Serialize + ?Sized>(
        &mut self,
        draft: &mut Draft,
        method: &[u8],
        value: &T,
        observed: Observation,
    ) -> Result<(), SerError> {
        let Observation { shape, held, structs } = observed;
        let shapes = std::iter::once(&shape).chain(&held);
        let mut ids = self.known_mut().table.of_shapes(&structs, shapes)?.into_iter();
        let Some(id) = ids.next().flatten() else {
            return Err(match shape {
                Shape::Unobserved => SerError::Nil,
                _ => SerError::refused(
                    "gob: an empty list or map does not show the type of its elements; \
                     derive Deserialize too, so that the type is known",
                ),
            });
        };
        let Some(ids) = ids.collect::<Option<Vec<_>>>() else {
            return Err(SerError::Unseen);
        };
        self.try_write(draft, value, id, &ids)?;
        draft.sink.uses.extend(ids);
        self.known_mut().observed.insert(method, ObservedType { shape, structs, id });
        Ok(())
    }

    #[inline(always)]
    fn try_write<T: Serialize + ?Sized>(
        &self,
        draft: &mut Draft,
        value: &T,
        id: Id,
        held: &[Id],
    ) -> Result<(), SerError> {
        draft.id = id;
        draft.sink.bytes.truncate(draft.len_at);
        draft.sink.bytes.put_u8(0);
        put_int(&mut draft.sink.bytes, id.number());
        if !held.is_empty() || !draft.sink.held.is_empty() || !draft.sink.uses.is_empty() {
            draft.sink.uses.clear();
            draft.sink.held.clear();
            draft.sink.held.extend(held.iter().rev());
        }
        ser::write(value, id, &self.known.table, &mut draft.sink)
    }

    /// Appends a written message.
    #[inline(always)]
    pub(super) fn put(&mut self, draft: &mut Draft, out: &mut BytesMut) {
        let Draft { header, sink: Sink { bytes, uses, .. }, len_at, id, .. } = draft;
        self.define(*header, out);
        let len = bytes.len() - *len_at - 1;
        match bytes.get_mut(*len_at) {
            // Nearly every message.
            Some(place) if len < 0x80 && uses.is_empty() && self.known.table.is_defined(*id) => {
                *place = len as u8;
                out.extend_from_slice(bytes);
            }
            _ => {
                out.extend_from_slice(bytes.get(..*len_at).unwrap_or_default());
                for id in uses {
                    self.define(*id, out);
                }
                self.define(*id, out);
                put_bytes(out, bytes.get(*len_at + 1..).unwrap_or_default());
            }
        }
    }

    /// Appends the header of a draft, and nothing else.
    pub(super) fn put_header(&mut self, draft: &Draft, out: &mut BytesMut) {
        self.define(draft.header, out);
        out.extend_from_slice(&draft.sink.bytes);
    }

    /// Appends the definitions that the peer needs for values of type `id` and has not got.
    #[inline]
    fn define(&mut self, id: Id, out: &mut BytesMut) {
        if !self.known.table.is_defined(id) {
            self.known_mut().table.define(id, out);
        }
    }
}
