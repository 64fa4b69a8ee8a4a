//! Name → method: built once, checked once, never changed while serving.
//!
//! A look-up is one hash of the whole name; the error texts of a miss are made only then.

#[cfg(feature = "resp")]
use crate::method::command::Command;
use crate::{
    call::{access::Caller, in_flight::MethodPermit},
    error::{CallError, ConfigError, echoed},
    live::{
        config::Config,
        stats::{Counter, MethodSnapshot, MethodStats},
        watch::MethodNumber,
    },
    method::{
        Method,
        blocking::{BlockingLoad, BlockingShare, Turn},
        handler::Later,
        layer::{CallService, Layers},
        service::Service,
        signature::Signature,
    },
};
use foldhash::fast::FixedState;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
};

/// A registered method with its counters.
pub(crate) struct Entry {
    pub(crate) full_name: Arc<str>,
    pub(crate) options: Method,
    pub(crate) running: AtomicUsize,
    /// `None` for a method without limits of its own.
    pub(crate) bounds: Option<Bounds>,
    /// Of its service, as the policy counts them.
    pub(crate) service_number: usize,
    pub(crate) layers: Option<Layers>,
    pub(crate) stats: MethodStats,
    /// By which threads note that they are at it.
    pub(crate) number: MethodNumber,
    /// How often it was found to block its thread.
    pub(crate) blocked: Counter,
    /// Replies that are to be written aside, as one before them was large.
    large_replies: AtomicU8,
}

/// The limits of one method.
pub(crate) struct Bounds {
    pub(crate) max_in_flight: Option<usize>,
    /// Where its functions block: their share of the pool.
    pub(crate) blocking: Option<Arc<BlockingShare>>,
}

impl Bounds {
    fn new(method: &Method) -> Option<Self> {
        let blocking = method.blocks.then(BlockingShare::new);
        let max_in_flight = method.max_in_flight;
        (max_in_flight.is_some() || method.blocks).then_some(Self { max_in_flight, blocking })
    }

    /// What one more call needs: its permit, and the turn of a function that blocks.
    #[inline(never)]
    pub(crate) fn admit(
        &self,
        entry: &Arc<Entry>,
        config: &Config,
    ) -> Result<(Option<MethodPermit>, Option<Turn>), CallError> {
        let permit = self.max_in_flight.map(|limit| MethodPermit::take(entry, limit)).transpose()?;
        let (threads, queued) = (config.max_blocking, config.max_blocking_queue);
        let limit = threads.saturating_add(queued);
        let busy = || CallError::Busy { name: entry.full_name.to_string(), limit };
        let enter = |share: &Arc<BlockingShare>| share.enter(threads, queued).ok_or_else(busy);
        Ok((permit, self.blocking.as_ref().map(enter).transpose()?))
    }
}
/// Small replies after a large one before the next is taken to be small, too.
const SMALL_REPLIES: u8 = 64;

impl Entry {
    fn new(full_name: &str, mut options: Method, service_number: usize, layers: Option<Layers>) -> Self {
        if layers.is_some() {
            // Layers see a call before its method starts.
            options.invoke = Arc::new(Later(options.invoke));
        }
        Self {
            full_name: full_name.into(),
            bounds: Bounds::new(&options),
            options,
            running: AtomicUsize::new(0),
            service_number,
            layers,
            stats: MethodStats::default(),
            number: MethodNumber::new(),
            blocked: Counter::default(),
            large_replies: AtomicU8::new(0),
        }
    }

    /// Whether the next reply may be large, as far as can be told from those before.
    #[inline]
    pub(crate) fn may_reply_large(&self) -> bool {
        self.large_replies.load(Relaxed) > 0
    }

    /// A reply was large, or one was not that might have been.
    #[cold]
    pub(crate) fn note_reply(&self, is_large: bool) {
        let left = self.large_replies.load(Relaxed);
        self.large_replies.store(if is_large { SMALL_REPLIES } else { left.saturating_sub(1) }, Relaxed);
    }

    /// The service's part of the name.
    pub(crate) fn service(&self) -> &str {
        self.full_name.rsplit_once('.').map_or("", |(service, _)| service)
    }

    /// The method's part of the name.
    pub(crate) fn method(&self) -> &str {
        self.full_name.rsplit_once('.').map_or("", |(_, method)| method)
    }
}

/// One method as pages show it.
#[derive(Debug, Clone)]
pub struct MethodInfo {
    /// `Arith`
    pub service: String,
    /// `Multiply`
    pub method: String,
    /// Its types.
    pub signature: Signature,
    /// Its description.
    pub doc: String,
    /// Whether clients may retry it.
    pub idempotent: bool,
    /// Whether it changes nothing, so that GET calls it too.
    pub read_only: bool,
    /// Its numbers.
    pub stats: MethodSnapshot,
    /// What its functions have of the pool of threads that may block; `None` for a method that does not block.
    pub blocking: Option<BlockingLoad>,
    /// How often it was found to block its thread, see [`Config::blocked_after`](crate::Config#structfield.blocked_after).
    pub blocked: u64,
}

/// Bytes of a command's name.
#[cfg(feature = "resp")]
pub(crate) const LONGEST_COMMAND: usize = 32;

/// A command of the program.
#[cfg(feature = "resp")]
pub(crate) struct CommandEntry {
    pub(crate) entry: Arc<Entry>,
    /// Only for admins.
    pub(crate) admin: bool,
}

/// All methods of a server.
pub(crate) struct Registry {
    methods: HashMap<Box<[u8]>, Arc<Entry>, FixedState>,
    /// Full name → what it is a short form of, for services with a dot in their names: `EchoService.Echo` is
    /// `demo.EchoService.Echo`. `None` where it could be several.
    short: HashMap<Box<[u8]>, Option<Arc<Entry>>, FixedState>,
    services: BTreeMap<String, String>,
    /// The program's commands by their names in capital letters.
    #[cfg(feature = "resp")]
    commands: BTreeMap<Box<[u8]>, CommandEntry>,
    /// Around all calls.
    layers: Option<CallService>,
}

impl Registry {
    /// Checks and freezes `services`, with `layers` around the calls of all.
    /// A service has the number of its place among them.
    pub(crate) fn new(services: Vec<Service>, layers: Option<CallService>) -> Result<Self, ConfigError> {
        let mut registry = Self {
            methods: HashMap::default(),
            short: HashMap::default(),
            services: BTreeMap::new(),
            #[cfg(feature = "resp")]
            commands: BTreeMap::new(),
            layers,
        };
        for (number, service) in services.into_iter().enumerate() {
            check_service_name(&service.name)?;
            if registry.services.insert(service.name.clone(), service.doc).is_some() {
                return Err(ConfigError::DuplicateService(service.name));
            }
            let own_layers = service.layers.stack();
            let mut names = HashSet::new();
            for method in service.methods {
                check_method_name(&method.name)?;
                let full_name = format!("{}.{}", service.name, method.name);
                if !names.insert(method.name.clone()) {
                    return Err(ConfigError::DuplicateMethod(full_name));
                }
                registry.insert(&full_name, method, number, own_layers.as_ref());
            }
        }
        registry.shorten_names();
        Ok(registry)
    }

    fn insert(&mut self, full_name: &str, method: Method, service: usize, own_layers: Option<&CallService>) {
        let layers = Layers::new(full_name, self.layers.as_ref(), own_layers);
        let entry = Arc::new(Entry::new(full_name, method, service, layers));
        self.methods.insert(full_name.as_bytes().into(), entry);
    }

    /// Enters the short forms of services with a package, as clients of some protocols send them.
    fn shorten_names(&mut self) {
        let mut last_parts: HashMap<&str, usize> = HashMap::new();
        for service in self.services.keys() {
            *last_parts.entry(last_part(service)).or_default() += 1;
        }
        for entry in self.methods.values() {
            let short = last_part(entry.service());
            if short.len() < entry.service().len() {
                let key = format!("{short}.{}", entry.method()).into_bytes().into();
                let is_unique = last_parts.get(short) == Some(&1);
                self.short.insert(key, is_unique.then(|| entry.clone()));
            }
        }
    }

    /// The method of that full name, if this peer may know of it.
    #[inline]
    pub(crate) fn look_up(&self, name: &[u8], caller: &Caller<'_>) -> Result<&Arc<Entry>, CallError> {
        match self.methods.get(name) {
            Some(entry) => allowed(entry, caller),
            None => Err(CallError::unknown(name, |service| self.services.contains_key(service))),
        }
    }

    /// Whether there is a method of that full name, for any caller.
    #[cfg(feature = "resp")]
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.methods.contains_key(name)
    }

    /// The method of a service named with or without its package: first as it is, then by the last part of the name,
    /// on either side.
    ///
    /// `demo.EchoService.Echo` finds `EchoService.Echo` and the other way round. Where a last part is that of two
    /// services, it finds neither.
    #[inline]
    pub(crate) fn look_up_short(&self, name: &[u8], caller: &Caller<'_>) -> Result<&Arc<Entry>, CallError> {
        match self.methods.get(name) {
            Some(entry) => allowed(entry, caller),
            None => self.look_up_last_part(name, caller),
        }
    }

    fn look_up_last_part(&self, name: &[u8], caller: &Caller<'_>) -> Result<&Arc<Entry>, CallError> {
        let mut dots = (0..name.len()).rev().filter(|at| name[*at] == b'.');
        if let Some(package) = dots.nth(1)
            && let Some(entry) = self.methods.get(&name[package + 1..])
        {
            return allowed(entry, caller);
        }
        match self.short.get(name) {
            Some(Some(entry)) => allowed(entry, caller),
            Some(None) => Err(CallError::UnknownService(echoed(name))),
            None => Err(CallError::unknown(name, |service| self.is_known_in_short(service))),
        }
    }

    fn is_known_in_short(&self, service: &str) -> bool {
        let is_it = |full: &str| full == last_part(service) || last_part(full) == service;
        self.services.contains_key(service) || self.services.keys().any(|full| is_it(full))
    }

    /// Adds one of the server's own services, which is called like any other and shown on no page.
    ///
    /// Its name begins with an underscore, as no other's may, so it takes no service's place.
    pub(crate) fn reserve(&mut self, service: Service) {
        for method in service.methods {
            let full_name = format!("{}.{}", service.name, method.name);
            self.insert(&full_name, method, usize::MAX, None);
        }
    }

    /// Every method of the program's services, in the order of names.
    pub(crate) fn entries(&self) -> Vec<&Arc<Entry>> {
        let is_shown = |entry: &&Arc<Entry>| self.services.contains_key(entry.service());
        let mut all: Vec<&Arc<Entry>> = self.methods.values().filter(is_shown).collect();
        all.sort_by(|a, b| a.full_name.cmp(&b.full_name));
        all
    }

    /// The method of that number, if it is one of this server's.
    pub(crate) fn numbered(&self, number: MethodNumber) -> Option<&Arc<Entry>> {
        #[cfg(feature = "resp")]
        let commands = self.commands.values().map(|command| &command.entry);
        #[cfg(not(feature = "resp"))]
        let commands = std::iter::empty();
        self.methods.values().chain(commands).find(|entry| entry.number == number)
    }

    /// Adds a command of the program, which is called like a method and is none.
    #[cfg(feature = "resp")]
    pub(crate) fn add_command(&mut self, command: Command) {
        let Command { method, admin } = command;
        let name = method.name.clone();
        let layers = Layers::new(&name, self.layers.as_ref(), None);
        let entry = Arc::new(Entry::new(&name, method, usize::MAX, layers));
        self.commands.insert(name.into_bytes().into(), CommandEntry { entry, admin });
    }

    /// The command of the program of that name, in any case.
    #[cfg(feature = "resp")]
    pub(crate) fn command(&self, name: &[u8]) -> Option<&CommandEntry> {
        if self.commands.is_empty() || name.len() > LONGEST_COMMAND {
            return None;
        }
        self.commands.get(&name.to_ascii_uppercase()[..])
    }

    /// The commands of the program, in the order of names.
    #[cfg(feature = "resp")]
    pub(crate) fn commands(&self) -> impl Iterator<Item = &CommandEntry> {
        self.commands.values()
    }

    /// The same as pages show them.
    pub(crate) fn methods(&self) -> Vec<MethodInfo> {
        let info = |entry: &Arc<Entry>| MethodInfo {
            service: entry.service().to_owned(),
            method: entry.method().to_owned(),
            signature: entry.options.types.signature().clone(),
            doc: entry.options.doc.clone(),
            idempotent: entry.options.idempotent,
            read_only: entry.options.read_only,
            stats: entry.stats.snapshot(),
            blocking: entry.bounds.as_ref().and_then(|bounds| Some(bounds.blocking.as_ref()?.load())),
            blocked: entry.blocked.get(),
        };
        self.entries().into_iter().map(info).collect()
    }

    /// Every service of the program with its description, in the order of names.
    pub(crate) fn services(&self) -> &BTreeMap<String, String> {
        &self.services
    }
}

#[inline]
fn allowed<'r>(entry: &'r Arc<Entry>, caller: &Caller<'_>) -> Result<&'r Arc<Entry>, CallError> {
    caller.may_call(entry.service_number, &entry.full_name).map(|()| entry)
}

/// `demo.EchoService` → `EchoService`
fn last_part(service: &str) -> &str {
    service.rsplit_once('.').map_or(service, |(_, last)| last)
}

fn check_service_name(name: &str) -> Result<(), ConfigError> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.starts_with('.') || name.ends_with('.') {
        "starts or ends with a dot"
    } else if name.starts_with('_') {
        "a leading underscore is kept for the protocol's own services"
    } else if name.len() > 255 {
        "is longer than 255 bytes"
    } else if name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
        "holds a blank, a control character or a slash"
    } else {
        return Ok(());
    };
    Err(ConfigError::BadName { what: "service", name: name.to_owned(), why })
}

fn check_method_name(name: &str) -> Result<(), ConfigError> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.len() > 255 {
        "is longer than 255 bytes"
    } else if name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/' || c == '.') {
        "holds a dot, a blank, a control character or a slash"
    } else {
        return Ok(());
    };
    Err(ConfigError::BadName { what: "method", name: name.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        live::{
            config::Config,
            policy::{PolicyCell, Subjects},
        },
        peer::Peer,
    };

    #[test]
    fn services_are_found_with_and_without_their_package() {
        let service = |name: &str| Service::new(name).method("M", |(): ()| async { Ok(()) });
        let names = ["demo.Echo", "Plain", "a.Twice", "b.Twice", "x.Both", "Both", "a.b.Deep"];
        let registry = Registry::new(names.map(service).into(), None).unwrap();
        let peer = Arc::new(Peer { protocol: "baidu_std", ..Peer::for_test() });
        let policy =
            PolicyCell::new(Subjects::default(), Config::default(), None, false, Vec::new()).unwrap();
        let policy = policy.load_full();
        let caller = Caller::new(&peer, &policy);
        let find = |name: &str| match registry.look_up_short(name.as_bytes(), &caller) {
            Ok(entry) => entry.full_name.to_string(),
            Err(error) => error.to_string(),
        };
        for (name, found) in [
            ("demo.Echo.M", "demo.Echo.M"),
            ("Echo.M", "demo.Echo.M"),
            ("other.Echo.M", "rpc: service/method request ill-formed: other.Echo.M"),
            ("Plain.M", "Plain.M"),
            ("any.package.Plain.M", "Plain.M"),
            ("Twice.M", "rpc: can't find service Twice.M"),
            ("b.Twice.M", "b.Twice.M"),
            ("Both.M", "Both.M"),
            ("x.Both.M", "x.Both.M"),
            ("y.Both.M", "Both.M"),
            ("Deep.M", "a.b.Deep.M"),
            ("b.Deep.M", "rpc: service/method request ill-formed: b.Deep.M"),
            ("Echo.N", "rpc: can't find method Echo.N"),
            ("demo.Echo.N", "rpc: can't find method demo.Echo.N"),
            ("any.Plain.N", "rpc: can't find method any.Plain.N"),
            ("Nope.M", "rpc: can't find service Nope.M"),
            (".M", "rpc: can't find service .M"),
            ("M", "rpc: service/method request ill-formed: M"),
            ("", "rpc: service/method request ill-formed: "),
            ("...", "rpc: service/method request ill-formed: ..."),
        ] {
            assert_eq!(find(name), found, "{name}");
        }
        assert!(registry.look_up(b"Echo.M", &caller).is_err(), "Go's clients name services in full");
    }
}
