//! What an object is made of, for each kind.

use crate::catalog::acting::{EventTrigger, Policy, Rule, Trigger};
use crate::catalog::constraint::Constraint;
use crate::catalog::foreign::{ForeignServer, UserMapping, Wrapper};
use crate::catalog::index::{Index, Statistics};
use crate::catalog::operator::{Cast, Operator, OperatorClass, OperatorFamily};
use crate::catalog::publication::Publication;
use crate::catalog::relation::{Table, View};
use crate::catalog::rights::DefaultRights;
use crate::catalog::routine::{Aggregate, Function};
use crate::catalog::schema::{Collation, Extension, Schema};
use crate::catalog::search::{Configuration, Dictionary, Parser, Template};
use crate::catalog::sequence::Sequence;
use crate::catalog::types::{Composite, Domain, Enum, Range};

/// The definition of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named as what it holds")]
pub enum Definition {
    Schema(Schema),
    Collation(Collation),
    Extension(Extension),
    Enum(Enum),
    Composite(Composite),
    Range(Range),
    Domain(Domain),
    Cast(Cast),
    Function(Function),
    Aggregate(Box<Aggregate>),
    Operator(Operator),
    OperatorFamily(OperatorFamily),
    OperatorClass(OperatorClass),
    SearchParser(Parser),
    SearchTemplate(Template),
    SearchDictionary(Dictionary),
    SearchConfiguration(Configuration),
    Wrapper(Wrapper),
    Server(ForeignServer),
    UserMapping(UserMapping),
    Sequence(Sequence),
    Table(Box<Table>),
    View(View),
    LargeObject,
    Constraint(Constraint),
    Index(Index),
    Statistics(Statistics),
    Rule(Rule),
    Trigger(Trigger),
    Policy(Policy),
    Publication(Publication),
    DefaultRights(DefaultRights),
    EventTrigger(EventTrigger),
}
