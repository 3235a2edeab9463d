//! Questions that a policy's scope matches.

use super::random::Random;
use super::values::Values;
use crate::facts::Plan;
use crate::model::Profile;
use crate::oracle::{Guest, Question};
use crate::project::Project;
use cedar_policy::{
    ActionConstraint, Entities, EntityId, EntityTypeName, EntityUid, Policy, PrincipalConstraint,
    ResourceConstraint,
};
use cedarkey_engine::gate::KEY_TYPE;
use cedarkey_engine::model::{ClaimKind, FactSource};
use serde_json::{Map, Value as Json, json};
use std::str::FromStr;

/// How many keys are made up for each policy, and how many real ones are tried.
const MADE_UP: usize = 6;
const REAL: usize = 2;

/// What questions are made of, whatever the policy.
pub(super) struct Asker<'a> {
    entities: &'a Entities,
    plan: &'a Plan,
    profiles: &'a [Profile],
    environment: &'a str,
    /// The scopes that routes require.
    scopes: Vec<String>,
    actions: Vec<EntityUid>,
    endpoints: Vec<EntityUid>,
    /// Teams and workloads.
    groups: Vec<EntityUid>,
}

/// What is asked of one policy.
#[derive(Debug)]
pub(super) struct Interview {
    /// The keys that it is asked for.
    pub guests: Vec<Guest>,
    values: Values,
    random: Random,
}

/// What a scope demands of a principal or resource.
#[derive(Default)]
struct Demand {
    /// This one.
    exactly: Option<EntityUid>,
    /// A member of this one.
    within: Option<EntityUid>,
    /// One of this type.
    kind: Option<EntityTypeName>,
}

// === impl Asker ===

impl<'a> Asker<'a> {
    pub fn new(project: &'a Project, profiles: &'a [Profile]) -> Self {
        let of = |kinds: &[&str]| -> Vec<EntityUid> {
            let uids = project.entities.iter().map(|entity| entity.uid());
            let mut uids: Vec<_> =
                uids.filter(|uid| kinds.contains(&uid.type_name().to_string().as_str())).collect();
            uids.sort_unstable_by_key(ToString::to_string);
            uids
        };
        let mut actions: Vec<_> = project.schema.actions().cloned().collect();
        actions.sort_unstable_by_key(ToString::to_string);
        let scopes = project.routes.routes.iter().flat_map(|route| route.scopes.clone());
        Self {
            entities: &project.entities,
            plan: &project.plan,
            profiles,
            environment: &project.settings.bundle.environment,
            scopes: scopes.collect(),
            actions,
            endpoints: of(&["Endpoint"]),
            groups: of(&["Team", "Workload"]),
        }
    }

    /// Makes ready to question a policy, with keys that it may apply to.
    pub fn interview(&self, policy: &Policy, json: &Json, number: u64) -> Interview {
        let mut random = Random::new(number);
        let mut values = Values::of(json);
        values.strings.push(self.environment.into());
        let guests = self.guests(&principal_demand(policy), &values, number, &mut random);
        Interview { guests, values, random }
    }

    /// Questions for a policy.
    pub fn ask(&self, policy: &Policy, interview: &Interview, count: usize) -> Vec<Question> {
        let Interview { guests, values, random } = interview;
        let mut random = random.clone();
        let keys: Vec<_> = guests.iter().map(|guest| guest.uid.clone()).collect();
        let resources = self.meeting(&resource_demand(policy), &self.endpoints);
        let principals = self.meeting(&principal_demand(policy), &keys);
        let actions = self.actions(policy);
        let questions = (0..count).filter_map(|_| {
            // Now and then somebody else does something else: the scope must not match then.
            let mut one_of = |meeting: &[EntityUid], others: &[EntityUid]| {
                let from = if random.once_in(8) { others } else { meeting };
                random.pick(from).or(others.first()).cloned()
            };
            Some(Question {
                principal: one_of(&principals, &keys)?,
                action: one_of(&actions, &self.actions)?,
                resource: one_of(&resources, &self.endpoints)?,
                context: self.context(values, &mut random),
            })
        });
        questions.collect()
    }

    /// Those that meet a demand: of the usual, if it demands nothing of its own.
    fn meeting(&self, demand: &Demand, usual: &[EntityUid]) -> Vec<EntityUid> {
        let of_kind =
            |uid: &EntityUid| demand.kind.as_ref().is_none_or(|kind| uid.type_name() == kind);
        if let Some(uid) = &demand.exactly {
            return vec![uid.clone()];
        }
        if demand.within.is_none() && usual.iter().any(of_kind) {
            return usual.iter().filter(|uid| of_kind(uid)).cloned().collect();
        }
        let within = |uid: &EntityUid| match &demand.within {
            Some(group) => uid == group || self.entities.is_ancestor_of(group, uid),
            None => true,
        };
        let stored = self.entities.iter().map(|entity| entity.uid());
        let mut found: Vec<_> = stored.filter(|uid| of_kind(uid) && within(uid)).collect();
        found.sort_unstable_by_key(ToString::to_string);
        // Keys are not in the store: they were made to be in the group.
        found.extend(usual.iter().filter(|uid| of_kind(uid)).cloned());
        let unknown = demand
            .kind
            .clone()
            .map(|kind| EntityUid::from_type_name_and_id(kind, EntityId::new("nobody")));
        found.extend(unknown.filter(|_| demand.within.is_none()));
        found
    }

    fn actions(&self, policy: &Policy) -> Vec<EntityUid> {
        match policy.action_constraint() {
            ActionConstraint::Any => self.actions.clone(),
            ActionConstraint::Eq(action) => vec![action],
            ActionConstraint::In(groups) => {
                let within = |action: &EntityUid| {
                    groups.iter().any(|group| self.entities.is_ancestor_of(group, action))
                };
                let members = self.actions.iter().filter(|action| within(action)).cloned();
                members.chain(groups.iter().cloned()).collect()
            }
        }
    }

    fn guests(
        &self,
        principal: &Demand,
        values: &Values,
        number: u64,
        random: &mut Random,
    ) -> Vec<Guest> {
        let Ok(kind) = EntityTypeName::from_str(KEY_TYPE) else { return Vec::new() };
        let uid = |at: usize| {
            let id = EntityId::new(format!("question {number}.{at}"));
            EntityUid::from_type_name_and_id(kind.clone(), id)
        };
        let made_up = (0..MADE_UP).map(|at| {
            // The first belongs to nobody.
            let group = random.pick(&self.groups).filter(|_| at > 0).cloned();
            let within = principal.within.clone().filter(|_| at > 0);
            let mut parents: Vec<_> = group.into_iter().chain(within).collect();
            parents.dedup();
            Guest { uid: uid(at), attrs: self.key(&parents, values, random), parents }
        });
        let mut guests: Vec<_> = made_up.collect();
        for at in 0..REAL {
            let Some(profile) = random.pick(self.profiles) else { break };
            guests.extend(real(profile, uid(MADE_UP.saturating_add(at)), values, random));
        }
        guests
    }

    /// The attributes of a made-up key.
    fn key(&self, parents: &[EntityUid], values: &Values, random: &mut Random) -> Json {
        let scopes = random.some(&[self.scopes.as_slice(), &values.strings].concat());
        let networks = random.some(&values.networks).into_iter();
        let networks: Vec<_> =
            networks.map(|net| json!({ "__extn": { "fn": "ip", "arg": net } })).collect();
        let mut attrs = json!({
            "owner": random.pick(&values.strings),
            "purpose": random.pick(&values.strings),
            "environment": if random.once_in(2) {
                Some(self.environment)
            } else {
                random.pick(&values.strings).map(String::as_str)
            },
            "scopes": scopes,
            "networks": networks,
        });
        for parent in parents {
            let kind = parent.type_name().to_string();
            let entity = json!({ "__entity": { "type": kind, "id": parent.id().unescaped() } });
            if let (Some(attrs), "Team" | "Workload") = (attrs.as_object_mut(), kind.as_str()) {
                attrs.insert(kind.to_lowercase(), entity);
            }
        }
        add_lifetime(&mut attrs, values, random);
        attrs
    }

    fn context(&self, values: &Values, random: &mut Random) -> Json {
        let mut context = Map::new();
        for (top, member, source) in self.plan.iter() {
            let value = fact(source, values, random);
            let Some(member) = member else {
                // Only the address may be unknown to a host.
                if *source != FactSource::SourceIp || !random.once_in(8) {
                    context.insert(top.into(), value);
                }
                continue;
            };
            // A group is there even where none of its members is.
            let group = context.entry(top).or_insert_with(|| json!({}));
            if let Some(group) = group.as_object_mut().filter(|_| !random.once_in(4)) {
                group.insert(member.into(), value);
            }
        }
        Json::Object(context)
    }
}

/// A key of a real profile.
fn real(profile: &Profile, uid: EntityUid, values: &Values, random: &mut Random) -> Option<Guest> {
    let mut attrs: Json = serde_json::from_str(&profile.attrs).ok()?;
    add_lifetime(&mut attrs, values, random);
    let parents = profile.parents.iter().filter_map(|(kind, id)| {
        let kind = EntityTypeName::from_str(kind).ok()?;
        Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
    });
    Some(Guest { uid, attrs, parents: parents.collect() })
}

/// The attributes that the gate adds to those of a profile.
fn add_lifetime(attrs: &mut Json, values: &Values, random: &mut Random) {
    let Some(attrs) = attrs.as_object_mut() else { return };
    for name in ["created", "notBefore", "expires"] {
        attrs.insert(name.into(), json!(random.pick(&values.instants)));
    }
    attrs.insert("revoked".into(), json!(random.once_in(2)));
}

fn fact(source: &FactSource, values: &Values, random: &mut Random) -> Json {
    match source {
        FactSource::Now => json!(random.pick(&values.instants)),
        FactSource::SourceIp => json!(random.pick(&values.addresses)),
        FactSource::InNetworks
        | FactSource::PeerMatches
        | FactSource::Claim(_, ClaimKind::Bool) => json!(random.once_in(2)),
        FactSource::Claim(_, ClaimKind::Long) => json!(random.pick(&values.longs)),
        FactSource::Method if random.once_in(2) => json!("GET"),
        _ => json!(random.pick(&values.strings)),
    }
}

fn principal_demand(policy: &Policy) -> Demand {
    match policy.principal_constraint() {
        PrincipalConstraint::Any => Demand::default(),
        PrincipalConstraint::Eq(uid) => Demand { exactly: Some(uid), ..Demand::default() },
        PrincipalConstraint::In(uid) => Demand { within: Some(uid), ..Demand::default() },
        PrincipalConstraint::Is(kind) => Demand { kind: Some(kind), ..Demand::default() },
        PrincipalConstraint::IsIn(kind, uid) => {
            Demand { kind: Some(kind), within: Some(uid), exactly: None }
        }
    }
}

fn resource_demand(policy: &Policy) -> Demand {
    match policy.resource_constraint() {
        ResourceConstraint::Any => Demand::default(),
        ResourceConstraint::Eq(uid) => Demand { exactly: Some(uid), ..Demand::default() },
        ResourceConstraint::In(uid) => Demand { within: Some(uid), ..Demand::default() },
        ResourceConstraint::Is(kind) => Demand { kind: Some(kind), ..Demand::default() },
        ResourceConstraint::IsIn(kind, uid) => {
            Demand { kind: Some(kind), within: Some(uid), exactly: None }
        }
    }
}
