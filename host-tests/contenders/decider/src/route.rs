//! From method and path to what is done to what.

use crate::world::Route;

/// All routes.
#[derive(Clone, Debug)]
pub struct Router(Vec<Route>);

// === impl Router ===

impl Router {
    /// Of these routes.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The first route that a request is on, and its position.
    #[must_use]
    pub fn find(&self, method: &str, target: &str) -> Option<(usize, &Route)> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let fits = |route: &Route| {
            route.methods.iter().any(|other| other == method) && matches(&route.path, path)
        };
        self.0.iter().enumerate().find(|(_, route)| fits(route))
    }

    /// All routes.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }
}

fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = template.split('/').all(|segment| {
        parts.next().is_some_and(|part| segment == part || (segment.starts_with('{') && part != ""))
    });
    all && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn parameters_stand_for_one_segment() {
        assert!(matches("/v1/orders/{id}", "/v1/orders/7"));
        assert!(!matches("/v1/orders/{id}", "/v1/orders/"));
        assert!(!matches("/v1/orders/{id}", "/v1/orders/7/8"));
        assert!(!matches("/v1/orders/{id}", "/v1/orders"));
    }
}
