//! One hook of several plugins, in turn. hive-router does the same with its list of plugins, but allocates two boxed
//! futures per plugin and hook, even for a no-op. Unlike hive-router's `on_subgraph_execute`, a plugin that responds
//! also skips the end callbacks of those before it: it has to be the first.

use hive_router::plugins::plugin_trait::{EndControlFlow, EndHookResult, StartControlFlow, StartHookResult};

type Callback<'exec, End, Response> = Box<dyn FnOnce(End) -> EndHookResult<End, Response> + Send + 'exec>;

pub struct Chain<'exec, Start, End, Response> {
    payload: Start,
    /// Once a plugin has responded, no other one is called.
    response: Option<Response>,
    callbacks: Vec<Callback<'exec, End, Response>>,
}

impl<'exec, Start, End: 'exec, Response: 'exec> Chain<'exec, Start, End, Response> {
    pub fn new(payload: Start) -> Self {
        Self { payload, response: None, callbacks: Vec::new() }
    }

    pub fn then(self, hook: impl FnOnce(Start) -> StartHookResult<'exec, Start, End, Response>) -> Self {
        match self.response {
            Some(_) => self,
            None => Self::after(hook(self.payload), self.callbacks),
        }
    }

    /// Runs the end callbacks in the order of their plugins.
    pub fn end(self) -> StartHookResult<'exec, Start, End, Response> {
        let Self { payload, response, mut callbacks } = self;
        let control_flow = match (response, callbacks.len()) {
            (Some(response), _) => StartControlFlow::EndWithResponse(response),
            (None, 0) => StartControlFlow::Proceed,
            (None, 1) => StartControlFlow::OnEnd(callbacks.remove(0)),
            (None, _) => StartControlFlow::OnEnd(Box::new(|payload| call(callbacks, payload))),
        };
        StartHookResult { payload, control_flow }
    }

    /// Runs the end callbacks in reverse order.
    pub fn end_in_reverse(mut self) -> StartHookResult<'exec, Start, End, Response> {
        self.callbacks.reverse();
        self.end()
    }

    fn after(
        result: StartHookResult<'exec, Start, End, Response>,
        mut callbacks: Vec<Callback<'exec, End, Response>>,
    ) -> Self {
        let StartHookResult { payload, control_flow } = result;
        let response = match control_flow {
            StartControlFlow::Proceed => None,
            StartControlFlow::EndWithResponse(response) => Some(response),
            StartControlFlow::OnEnd(callback) => {
                callbacks.push(callback);
                None
            }
        };
        Self { payload, response, callbacks }
    }
}

fn call<End, Response>(callbacks: Vec<Callback<'_, End, Response>>, mut payload: End) -> EndHookResult<End, Response> {
    for callback in callbacks {
        let result = callback(payload);
        if matches!(result.control_flow, EndControlFlow::EndWithResponse(_)) {
            return result;
        }
        payload = result.payload;
    }
    EndHookResult { payload, control_flow: EndControlFlow::Proceed }
}
