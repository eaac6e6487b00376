"""The CQRS system under study: messages, actors, stores, policies, the runtime port and the trace."""
