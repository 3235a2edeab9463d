//! The model: compiled policies, entities and key profiles, ready to decide with.

pub mod image;
mod index;
pub(crate) mod program;
mod verify;

pub use image::{ClaimKind, Effect, FactImage, FactSource, ModelImage, Op, PolicyImage};
pub use verify::{LoadError, MAX_STACK};

use crate::gate::KEY_TYPE;
use crate::pattern::Pattern;
use crate::value::{Field, Span, Sym, Text, Uid, Value};
use alloc::vec;
use alloc::vec::Vec;
use image::{EntityImage, ProfileImage, TokenImage, UidImage};
pub(crate) use index::Candidates;
use index::Index;
use program::Program;

/// A verified model: every index in it leads somewhere, and every policy's condition is known to
/// end with one value on the stack.
#[derive(Debug)]
pub struct Model {
    image: ModelImage,
    index: Index,
    program: Program,
    /// The entities of the store, by uid.
    entities: Vec<Option<EntityImage>>,
    deepest_stack: usize,
    names: WellKnown,
}

/// Names that the gate needs; absent where no policy mentions them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WellKnown {
    /// The type of a key's principal.
    pub key: Option<Sym>,
    pub created: Option<Sym>,
    pub expires: Option<Sym>,
    pub not_before: Option<Sym>,
    pub revoked: Option<Sym>,
}

/// The most facts that a context can be made of.
pub const MAX_FACTS: usize = 128;

// === impl Model ===

impl Model {
    /// Checks an image and makes it ready.
    ///
    /// # Errors
    ///
    /// Names the first thing in the image that is not as it must be.
    pub fn load(image: ModelImage) -> Result<Self, LoadError> {
        let deepest_stack = verify::verify(&image)?;
        let mut entities = vec![None; image.uids.len()];
        for entity in &image.entities {
            if let Some(place) = entities.get_mut(entity.uid.0 as usize) {
                *place = Some(*entity);
            }
        }
        let (index, program) = (Index::build(&image), Program::of(&image));
        let mut model =
            Self { image, index, program, entities, deepest_stack, names: WellKnown::default() };
        model.names = WellKnown {
            key: model.sym(KEY_TYPE),
            created: model.sym("created"),
            expires: model.sym("expires"),
            not_before: model.sym("notBefore"),
            revoked: model.sym("revoked"),
        };
        verify::verify_sets(&model)?;
        Ok(model)
    }

    /// The image that this model was loaded from.
    pub fn image(&self) -> &ModelImage {
        &self.image
    }

    /// The policies, ascending by id.
    pub fn policies(&self) -> &[PolicyImage] {
        &self.image.policies
    }

    /// The policy at an index.
    pub fn policy(&self, at: u32) -> Option<&PolicyImage> {
        self.image.policies.get(at as usize)
    }

    /// The facts that a context is made of.
    pub fn facts(&self) -> &[FactImage] {
        &self.image.facts
    }

    /// How tokens are formed.
    pub fn token(&self) -> &TokenImage {
        &self.image.token
    }

    /// The number of key profiles: a key's profile must be below it.
    pub fn profile_count(&self) -> u32 {
        u32::try_from(self.image.profiles.len()).unwrap_or(u32::MAX)
    }

    /// A key profile.
    pub fn profile(&self, at: u32) -> Option<&ProfileImage> {
        self.image.profiles.get(at as usize)
    }

    /// The number of entity uids: an index of one must be below it.
    pub fn uid_count(&self) -> u32 {
        u32::try_from(self.image.uids.len()).unwrap_or(u32::MAX)
    }

    /// The text behind a reference of this model.
    pub fn text(&self, text: Text) -> &str {
        self.image.text.get(text.span().range()).unwrap_or_default()
    }

    /// The text of a name of this model.
    pub fn name(&self, sym: Sym) -> &str {
        self.image.syms.get(sym.0 as usize).map_or("", |text| self.text(*text))
    }

    /// The interned form of a name, if this model has it.
    pub fn sym(&self, name: &str) -> Option<Sym> {
        let at = self.image.syms.binary_search_by(|text| self.text(*text).cmp(name)).ok()?;
        u32::try_from(at).ok().map(Sym)
    }

    /// The interned form of a uid, if this model has it.
    pub fn uid(&self, kind: &str, id: &str) -> Option<Uid> {
        self.uid_of(self.sym(kind)?, id)
    }

    /// The same, of a type whose name is known.
    pub(crate) fn uid_of(&self, kind: Sym, id: &str) -> Option<Uid> {
        let at = self
            .image
            .uids
            .binary_search_by(|uid| uid.kind.cmp(&kind).then_with(|| self.text(uid.id).cmp(id)))
            .ok()?;
        u32::try_from(at).ok().map(Uid)
    }

    /// The type and id of an entity.
    pub fn uid_image(&self, uid: Uid) -> Option<&UidImage> {
        self.image.uids.get(uid.0 as usize)
    }

    /// The id of an entity of this model, without its type.
    pub fn entity_id(&self, uid: Uid) -> &str {
        self.uid_image(uid).map_or("", |image| self.text(image.id))
    }

    #[inline]
    pub(crate) fn entity(&self, uid: Uid) -> Option<&EntityImage> {
        self.entities.get(uid.0 as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn ancestors(&self, uid: Uid) -> &[Uid] {
        self.entity(uid).map_or(&[], |entity| self.uid_run(entity.ancestors))
    }

    pub(crate) fn has_ancestor(&self, uid: Uid, ancestor: Uid) -> bool {
        let ancestors = self.ancestors(uid);
        // Few are looked through faster than they are searched.
        if ancestors.len() <= 8 {
            return ancestors.contains(&ancestor);
        }
        ancestors.binary_search(&ancestor).is_ok()
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.image.values
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.image.fields
    }

    pub(crate) fn uid_run(&self, span: Span) -> &[Uid] {
        self.image.uid_runs.get(span.range()).unwrap_or_default()
    }

    pub(crate) fn sym_run(&self, span: Span) -> &[Sym] {
        self.image.sym_runs.get(span.range()).unwrap_or_default()
    }

    pub(crate) fn op(&self, at: u32) -> Option<&Op> {
        self.image.ops.get(at as usize)
    }

    pub(crate) fn pattern(&self, at: u32) -> Option<&Pattern> {
        self.image.patterns.get(at as usize)
    }

    #[inline]
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn deepest_stack(&self) -> usize {
        self.deepest_stack
    }

    pub(crate) fn names(&self) -> WellKnown {
        self.names
    }

    /// The text of a policy's id.
    pub fn policy_id(&self, at: u32) -> &str {
        self.policy(at).map_or("", |policy| self.text(policy.id))
    }

    /// The owner of the keys of a profile.
    pub fn owner(&self, profile: u32) -> &str {
        self.profile(profile).map_or("", |profile| self.text(profile.owner))
    }
}
