//! Reads the centre file: all tables, all faults.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::check::CrossFault;
use super::{
    AuxCode, Calendar, Centre, FeatureCodes, HolidayList, Kind, Number, NumberList, Queue,
    Resource, ResourceFault, Trunk, User, WrapUpCodes,
};
use crate::Snapshot;
use crate::fault::{Faults, Source};
use crate::read::{self, Entry, Node, Places, Problem, Reader, Span, Value};

/// Tables of the centre file that later releases read.
const LATER: &[&str] = &[
    "flows",
    "park_locations",
    "roles",
    "skills",
    "tasks",
    "templates",
];

/// What is a resource of the API and no table.
const PROMPTS: &str = "prompts";
/// What is no table of the centre file, though a resource of the API: the directory is too large for one.
const CONTACTS: &str = "contacts";

/// Reads a centre file that stands for itself.
///
/// # Errors
///
/// All faults of the file at once: of its syntax, of single fields, and across resources.
pub fn parse_centre(text: &str, file: &str) -> Result<Centre, Faults> {
    read_centre(text, file, |walk| {
        let faults = walk
            .centre
            .cross_faults(&|kind, name| walk.turn(kind, name));
        (Centre::clone(&walk.centre), faults)
    })
}

/// Reads a centre file and applies it: answers the centre after it, in which new passwords are still plain; see [`Centre::merge`].
/// The file may name what the centre has already.
///
/// # Errors
///
/// All faults of the file at once: of its syntax, of single fields, across resources, and with the settings.
pub fn apply_centre(
    text: &str,
    file: &str,
    current: &Snapshot,
    prune: bool,
) -> Result<Centre, Faults> {
    read_centre(text, file, |walk| {
        let merged = current.centre.merge(&walk.centre, prune);
        let mut faults = merged.cross_faults(&|kind, name| walk.turn(kind, name));
        faults.extend(merged.lost_administrators(&current.centre, &walk.centre));
        let others = merged.check_against(&current.settings);
        let others = others.into_iter().chain(merged.stale_secrets(current));
        faults.extend(others.map(|fault| CrossFault {
            fault,
            caused_by: &[],
        }));
        (merged, faults)
    })
}

fn read_centre(
    text: &str,
    file: &str,
    finish: impl FnOnce(&Walk) -> (Centre, Vec<CrossFault>),
) -> Result<Centre, Faults> {
    let document = Document::parse(text);
    let mut reader = Reader::default();
    let mut walk = Walk::default();
    walk.read_document(&document.root, &mut reader);
    let (mut problems, places) = reader.finish();
    let (centre, faults) = finish(&walk);
    for fault in faults {
        if !walk.explains(&problems, &fault) {
            problems.push(walk.place(fault.fault, &places));
        }
    }
    let source = Source {
        name: file.to_owned(),
        text: text.to_owned(),
    };
    match Faults::new(vec![source], document.with_syntax_faults(text, problems)) {
        Some(faults) => Err(faults),
        None => Ok(centre),
    }
}

/// A TOML document as far as it could be parsed, and what is wrong with its syntax.
pub(crate) struct Document {
    pub(crate) root: Node,
    syntax: Vec<Problem>,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let problem = |error: &toml::de::Error| Problem {
            path: String::new(),
            span: Span {
                source: 0,
                bytes: error.span().unwrap_or_default(),
            },
            message: error.message().to_owned(),
            help: "this is not TOML; strings stand in quotes, lists in [ ], tables under [name]"
                .to_owned(),
        };
        Self {
            root: read::from_toml(table.get_ref(), table.span(), 0),
            syntax: errors.iter().map(problem).collect(),
        }
    }

    /// All problems together. What the walk says about a line with broken syntax follows from
    /// that, and is left out.
    pub(crate) fn with_syntax_faults(self, text: &str, problems: Vec<Problem>) -> Vec<Problem> {
        let line_of = |problem: &Problem| {
            let before = text
                .as_bytes()
                .get(..problem.span.bytes.start)
                .unwrap_or_default();
            before.iter().filter(|byte| **byte == b'\n').count()
        };
        let broken: BTreeSet<usize> = self.syntax.iter().map(line_of).collect();
        let mut all = self.syntax;
        let follows =
            |problem: &Problem| problem.span.source == 0 && broken.contains(&line_of(problem));
        all.extend(problems.into_iter().filter(|problem| !follows(problem)));
        all
    }
}

/// The centre as read so far, and where in the file each resource stands.
#[derive(Default)]
struct Walk {
    centre: Centre,
    paths: BTreeMap<(Kind, String), Path>,
}

/// Where a resource stands.
struct Path {
    /// Its first byte.
    start: usize,
    /// As `queues[2]`.
    text: String,
}

impl Walk {
    fn read_document(&mut self, root: &Node, reader: &mut Reader) {
        let Value::Table(entries) = &root.value else {
            return;
        };
        let tables = Kind::ALL.map(Kind::table);
        for entry in entries {
            match Kind::ALL.into_iter().find(|kind| kind.table() == entry.key) {
                Some(Kind::HolidayList) => self.read_list::<HolidayList>(entry, reader),
                Some(Kind::Calendar) => self.read_list::<Calendar>(entry, reader),
                Some(Kind::Queue) => self.read_list::<Queue>(entry, reader),
                Some(Kind::User) => self.read_list::<User>(entry, reader),
                Some(Kind::Trunk) => self.read_list::<Trunk>(entry, reader),
                Some(Kind::Number) => self.read_list::<Number>(entry, reader),
                Some(Kind::NumberList) => self.read_list::<NumberList>(entry, reader),
                Some(Kind::AuxCode) => self.read_list::<AuxCode>(entry, reader),
                Some(Kind::WrapUpCodes) => self.read_list::<WrapUpCodes>(entry, reader),
                Some(Kind::FeatureCodes) => self.read_single::<FeatureCodes>(entry, reader),
                None if entry.key == PROMPTS => reader.in_field(PROMPTS, &entry.node, |reader| {
                    let message = "sounds are uploaded, not written down here";
                    let help =
                        "send each to /api/v1/prompts/NAME, and name it where it is to be heard";
                    reader.report(&entry.key_span, message, help);
                }),
                None if entry.key == CONTACTS => reader.report(
                    &entry.key_span,
                    "contacts are kept in the directory, not in the centre file",
                    "take them out of the file, and add them by the API: POST /api/v1/contacts",
                ),
                None => reader.unknown_key(entry, &tables, LATER),
            }
        }
    }

    fn read_list<T: Resource>(&mut self, entry: &Entry, reader: &mut Reader) {
        reader.in_field(&entry.key, &entry.node, |reader| {
            let Value::List(items) = &entry.node.value else {
                let help = format!("write [[{}]], with two brackets, once for each", entry.key);
                reader.wrong_type(&entry.node, "a list of tables", help);
                return;
            };
            for (index, item) in items.iter().enumerate() {
                let read = reader.in_item(index, index, item, |reader| T::read_table(item, reader));
                if let Some(resource) = read {
                    self.insert(resource, index, item, reader);
                }
            }
        });
    }

    /// A table that stands there once, and by itself.
    fn read_single<T: Resource>(&mut self, entry: &Entry, reader: &mut Reader) {
        let read = reader.in_field(&entry.key, &entry.node, |reader| {
            if let Value::List(_) = entry.node.value {
                let help = format!("write [{}], with one bracket, once", entry.key);
                reader.wrong_type(&entry.node, "one table", help);
                return None;
            }
            T::read_table(&entry.node, reader)
        });
        if let Some(resource) = read {
            let path = Path {
                start: entry.node.span.bytes.start,
                text: entry.key.clone(),
            };
            self.paths.insert((T::KIND, String::new()), path);
            self.centre.insert(resource);
        }
    }

    fn insert<T: Resource>(&mut self, resource: T, index: usize, item: &Node, reader: &mut Reader) {
        let name = resource.key().to_owned();
        if name.is_empty() {
            // Without a name it has been reported, and nothing can refer to it.
            return;
        }
        if T::of(&self.centre).contains_key(&name) {
            let key = Value::as_table(&item.value).and_then(|entries| {
                entries
                    .iter()
                    .find(|entry| entry.key == T::KIND.key_field())
            });
            let span = key.map_or(&item.span, |entry| &entry.node.span);
            let message = format!("there is a {} \"{name}\" above already", T::KIND);
            reader.report(
                span,
                message,
                "give it another name, or take one of the two out",
            );
            return;
        }
        let path = Path {
            start: item.span.bytes.start,
            text: format!("{}[{index}]", T::KIND.table()),
        };
        self.paths.insert((T::KIND, name), path);
        self.centre.insert(resource);
    }

    /// What was there before the file comes first, then the file from its top.
    fn turn(&self, kind: Kind, name: &str) -> usize {
        let path = self.paths.get(&(kind, name.to_owned()));
        path.map_or(0, |path| path.start + 1)
    }

    /// Whether the fault only follows from a field that is faulty by itself and so was left out: the one it is about, or
    /// another that it names.
    fn explains(&self, problems: &[Problem], fault: &CrossFault) -> bool {
        let key = (fault.fault.kind, fault.fault.name.clone());
        let resource = self.paths.get(&key).map_or("", |path| &*path.text);
        // The places of a list's items move when faulty ones are left out.
        let itself =
            Some(&*fault.fault.field).filter(|field| !field.is_empty() && !field.ends_with(']'));
        let causes = fault.caused_by.iter().copied().chain(itself);
        let mut causes = causes.map(|field| format!("{resource}.{field}"));
        causes.any(|cause| {
            problems
                .iter()
                .any(|problem| problem.path.starts_with(&cause))
        })
    }

    /// Puts a fault across resources to the field it is about, or to the nearest place around it.
    fn place(&self, fault: ResourceFault, places: &Places) -> Problem {
        let resource = self
            .paths
            .get(&(fault.kind, fault.name.clone()))
            .map_or("", |path| &*path.text);
        let path = format!("{resource}.{}", fault.field);
        Problem {
            span: read::nearest_place(places, &path),
            path,
            message: format!("{} \"{}\": {}", fault.kind, fault.name, fault.message),
            help: fault.help,
        }
    }
}
