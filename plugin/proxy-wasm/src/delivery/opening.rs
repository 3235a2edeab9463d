//! Opening a bundle whose segments are on the shelf, one piece at a time.

use super::accept::{Active, LoadError, accept, segment};
use super::port::Port;
use super::shelf::{Part, SINGLE, Shelf};
use crate::config::Config;
use crate::inventory::{Hot, Inventory};
use cedarkey_bundle::keys::Directory;
use cedarkey_bundle::{Envelope, Manifest, OpenError, SegmentKind, model, revocations, routes};
use cedarkey_engine::model::Model;
use cedarkey_engine::route::Routes;
use std::cell::RefCell;
use std::rc::Rc;

/// What opening is done with.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Where the segments are.
    pub shelf: &'a Shelf,
    /// The bundle in force, with which a new one may have segments in common.
    pub before: Option<&'a Rc<Active>>,
    /// The VM's memory of keys.
    pub hot: &'a Rc<RefCell<Hot>>,
}

/// A bundle that is being opened. It was accepted.
#[derive(Debug)]
pub struct Opening {
    manifest: Manifest,
    model: Option<Rc<Model>>,
    routes: Option<Rc<Routes>>,
}

/// How far it has come.
#[derive(Debug)]
pub enum Opened {
    /// Another step is to follow.
    Partly(Opening),
    /// It is open.
    Wholly(Active),
}

// === impl Opening ===

impl Opening {
    /// Begins with an envelope that meets the configuration's terms.
    pub fn begin(
        config: &Config,
        envelope: &Envelope,
        port: &mut impl Port,
    ) -> Result<Self, LoadError> {
        let manifest = accept(config, envelope, None, port.latest())?.clone();
        for kind in SINGLE {
            segment(&manifest, kind)?;
        }
        Ok(Self { manifest, model: None, routes: None })
    }

    /// Goes one step further: each decodes one segment, unless the bundle in force has it.
    pub fn step(mut self, bench: &Bench<'_>, port: &mut impl Port) -> Result<Opened, LoadError> {
        let model = match self.model.take().or_else(|| self.same_model(bench)) {
            Some(model) => model,
            None => {
                let bytes = self.bytes(SegmentKind::Model, bench, port)?;
                self.model = Some(Rc::new(model(&bytes)?));
                return Ok(Opened::Partly(self));
            }
        };
        let routes = match self.routes.take().or_else(|| self.same_routes(bench)) {
            Some(routes) => routes,
            None => {
                let bytes = self.bytes(SegmentKind::Routes, bench, port)?;
                self.routes = Some(Rc::new(routes(&bytes, &model)?));
                self.model = Some(model);
                return Ok(Opened::Partly(self));
            }
        };
        self.finish(model, routes, bench, port).map(Opened::Wholly)
    }

    /// All steps at once.
    pub fn whole(self, bench: &Bench<'_>, port: &mut impl Port) -> Result<Active, LoadError> {
        let mut opening = self;
        loop {
            match opening.step(bench, port)? {
                Opened::Partly(rest) => opening = rest,
                Opened::Wholly(active) => return Ok(active),
            }
        }
    }

    fn finish(
        self,
        model: Rc<Model>,
        routes: Rc<Routes>,
        bench: &Bench<'_>,
        port: &mut impl Port,
    ) -> Result<Active, LoadError> {
        let revocations = revocations::open(self.bytes(SegmentKind::Revocations, bench, port)?)?;
        let directory = Directory::open(self.bytes(SegmentKind::Directory, bench, port)?)?;
        let shards = shards(&self.manifest).count();
        if shards != directory.shards() {
            let kind = SegmentKind::Keys;
            return Err(OpenError::KindCount { kind, found: shards }.into());
        }
        let (profile, profiles) = (directory.profiles(), model.profile_count());
        if profile > profiles {
            let profile = profile.saturating_sub(1);
            return Err(OpenError::Profile { profile, profiles }.into());
        }
        let alike = |before: &&Rc<Active>| before.model.token() == model.token();
        let before = bench.before.filter(alike).map(|before| &before.keys);
        let stock = bench.shelf.stock.clone();
        let keys = Inventory::shared_data(directory, stock, before, bench.hot);
        let manifest = self.manifest;
        Ok(Active { manifest, model, routes, keys, revocations })
    }

    /// The bytes of a segment, which are the ones that the manifest names.
    fn bytes(
        &self,
        kind: SegmentKind,
        bench: &Bench<'_>,
        port: &mut impl Port,
    ) -> Result<Vec<u8>, LoadError> {
        let digest = segment(&self.manifest, kind)?.digest;
        let bytes = bench.shelf.find(Part::Segment(kind), &digest, port);
        bytes.ok_or(LoadError::Incomplete)
    }

    fn same_model(&self, bench: &Bench<'_>) -> Option<Rc<Model>> {
        let before =
            bench.before.filter(|before| self.has_in_common(before, SegmentKind::Model))?;
        Some(Rc::clone(&before.model))
    }

    /// Routes name entities of the model, so that they are the same only if it is.
    fn same_routes(&self, bench: &Bench<'_>) -> Option<Rc<Routes>> {
        let kinds = [SegmentKind::Model, SegmentKind::Routes];
        let same = |before: &&Rc<Active>| kinds.iter().all(|k| self.has_in_common(before, *k));
        Some(Rc::clone(&bench.before.filter(same)?.routes))
    }

    fn has_in_common(&self, before: &Active, kind: SegmentKind) -> bool {
        let digest = |manifest| segment(manifest, kind).ok().map(|segment| segment.digest);
        digest(&self.manifest).is_some_and(|own| digest(&before.manifest) == Some(own))
    }
}

/// The positions of key shards in a manifest, in the order of their numbers.
pub fn shards(manifest: &Manifest) -> impl Iterator<Item = usize> + '_ {
    let all = manifest.segments.iter().enumerate();
    all.filter(|(_, segment)| segment.kind == SegmentKind::Keys).map(|(at, _)| at)
}
