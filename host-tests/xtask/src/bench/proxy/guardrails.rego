# The guardrails of the standard library, in Rego. A grant for each team follows.
package authz

import rego.v1

# Empty where the request is allowed, else why it is not.
default answer := "the API key is not permitted to do this"

answer := "" if {
	permit
	count(forbid) == 0
}

answer := concat("; ", forbid) if count(forbid) > 0

forbid contains "the API key is for another environment" if {
	input.key.environment != "development"
}

forbid contains "the API key has expired: ask its owner for a new one" if {
	input.now >= input.key.expires
}

forbid contains "the API key is not valid yet" if {
	input.now < input.key.created
}

forbid contains "the API key was revoked" if {
	input.key.revoked
}

forbid contains "the API key must not be used from this network" if {
	not input.in_networks
}

forbid contains "the API key belongs to another workload identity" if {
	not input.peer_matches
}

forbid contains "the API key lacks a scope that this endpoint requires" if {
	some scope in input.endpoint.scopes
	not scope in input.key.scopes
}

