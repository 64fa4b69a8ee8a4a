//! The attribute `#[rpcwrap::service]`: an `impl` block becomes a service.
//!
//! It writes what `hello` and `streaming` write by hand: `Service::new`, `Method::new`, one closure per method.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use futures_util::{Stream, stream};
use rpcwrap::{Context, Error, Server};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
struct Shelf {
    books: Mutex<BTreeMap<u32, Book>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Book {
    id: u32,
    title: String,
    added_by: String,
}

/// Books by number.
#[rpcwrap::service(name = "Books")]
impl Shelf {
    /// Puts a book on the shelf; returns how many there are. Called as `Books.Add`.
    async fn add(&self, cx: Context, book: Book) -> Result<usize, Error> {
        if book.title.is_empty() {
            return Err(Error::new("a book has a title").code("bad_title"));
        }
        let mut books = self.books();
        books.insert(book.id, Book { added_by: cx.peer_addr().to_string(), ..book });
        Ok(books.len())
    }

    /// Takes a book by its number. Called as `Books.Get`.
    #[rpc(name = "Get", idempotent, timeout_ms = 500)]
    async fn by_id(&self, id: u32) -> Result<Book, Error> {
        self.books().get(&id).cloned().ok_or_else(|| Error::new(format!("no book {id}")).code("not_found"))
    }

    /// Every book, one reply each. The stream outlives the call, so it owns its share of the shelf.
    #[rpc(stream)]
    fn all(self: Arc<Self>) -> impl Stream<Item = Result<Book, Error>> {
        stream::unfold(Bound::Unbounded, move |after: Bound<u32>| {
            let next = self.books().range((after, Bound::Unbounded)).next().map(|(_, book)| book.clone());
            async move { next.map(|book| (Ok(book.clone()), Bound::Excluded(book.id))) }
        })
    }

    /// The letters of all titles; runs on the blocking pool.
    #[rpc(blocking, max_in_flight = 2)]
    fn count_letters(&self) -> Result<usize, Error> {
        Ok(self.books().values().map(|book| book.title.chars().count()).sum())
    }

    #[rpc(skip)]
    fn books(&self) -> MutexGuard<'_, BTreeMap<u32, Book>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let server = Server::builder().service(Shelf::default()).build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!("curl -d '{{\"Id\":1,\"Title\":\"Solaris\"}}' http://{addr}/Books/Add");
    println!("curl -d 1 http://{addr}/Books/Get");
    println!("curl -d null http://{addr}/Books/All");
    println!("curl -d null http://{addr}/Books/CountLetters");
    running.await?;
    Ok(())
}
