//! Asking Cedar.

use super::{Answer, Question, QuestionError};
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, PolicySet, Request,
};

/// Cedar, with what it decides by.
#[derive(Debug)]
pub struct Cedar<'a> {
    authorizer: Authorizer,
    entities: &'a Entities,
}

// === impl Cedar ===

impl<'a> Cedar<'a> {
    /// Cedar with an entity store.
    pub fn new(entities: &'a Entities) -> Self {
        Self { authorizer: Authorizer::new(), entities }
    }

    /// A request, which can be asked of several policy sets.
    ///
    /// # Errors
    ///
    /// Where Cedar does not take the question.
    pub fn request(question: &Question) -> Result<Request, QuestionError> {
        let Question { principal, action, resource, context } = question.clone();
        let context = Context::from_json_value(context, None).map_err(Box::new)?;
        Ok(Request::new(principal, action, resource, context, None).map_err(Box::new)?)
    }

    /// What the policies say.
    pub fn ask(&self, request: &Request, policies: &PolicySet) -> Answer {
        let response = self.authorizer.is_authorized(request, policies, self.entities);
        let failed = |error: &AuthorizationError| match error {
            AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
        };
        Answer {
            allow: response.decision() == Decision::Allow,
            reasons: response.diagnostics().reason().map(ToString::to_string).collect(),
            errors: response.diagnostics().errors().map(failed).collect(),
        }
    }
}
