//! Types of ours from what values show.

use super::{Field, Form, Progress, Table};
use crate::gob::{
    ser::{SerError, Shape, Structs},
    types::Id,
};
use std::collections::HashMap;

impl Table {
    /// The ids for values of these shapes; `None` for one that has parts that no value has shown.
    ///
    /// # Errors
    /// The parts not shown are part of a value that is there; or the table is full.
    pub(in crate::gob) fn of_shapes<'s>(
        &mut self,
        structs: &Structs,
        shapes: impl IntoIterator<Item = &'s Shape>,
    ) -> Result<Vec<Option<Id>>, SerError> {
        let mut progress = HashMap::new();
        shapes.into_iter().map(|shape| self.of_shape(structs, shape, &mut progress)).collect()
    }

    /// `progress` is that of all structs, by their place.
    fn of_shape(
        &mut self,
        structs: &Structs,
        shape: &Shape,
        progress: &mut HashMap<usize, Progress>,
    ) -> Result<Option<Id>, SerError> {
        let unseen = |filled: bool| {
            if filled {
                return Err(SerError::refused(
                    "gob: an empty list or a nil inside a list or map does not show its type; \
                     derive Deserialize too, so that the type is known",
                ));
            }
            Ok(None)
        };
        let mut part = |shape: &Shape| self.of_shape(structs, shape, progress);
        let form = match shape {
            Shape::Unobserved => return Ok(None),
            Shape::Scalar(id) => return Ok(Some(*id)),
            Shape::Unit => Form::EMPTY,
            Shape::Marshaled(marshaler) => Form::Marshaled(*marshaler),
            Shape::List { elem, filled } => match part(elem)? {
                Some(elem) => Form::Slice { elem },
                None => return unseen(*filled),
            },
            Shape::Array { elem, len } => match part(elem)? {
                Some(elem) => Form::Array { elem, len: *len },
                None => return unseen(*len > 0),
            },
            Shape::Map { key, elem, filled } => match (part(key)?, part(elem)?) {
                (Some(key), Some(elem)) => Form::Map { key, elem },
                _ => return unseen(*filled),
            },
            Shape::Struct(at) => {
                return self.recursive(progress, structs.place(*at), |table, progress| {
                    table.form_of_struct(structs, *at, progress).map(Some)
                });
            }
        };
        self.find_or_push(form).map(Some)
    }

    fn form_of_struct(
        &mut self,
        structs: &Structs,
        at: usize,
        progress: &mut HashMap<usize, Progress>,
    ) -> Result<Form, SerError> {
        let (name, fields) = structs.get(at);
        let mut own = Vec::with_capacity(fields.len());
        for (name, shape) in fields {
            if let Some(id) = self.of_shape(structs, shape, progress)? {
                own.push(Field { name, id });
            }
        }
        Ok(Form::Struct { name, fields: own.into() })
    }
}
