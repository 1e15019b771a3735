//! The protocol: what a client asks becomes a call of the toolbox.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListToolsResult, PaginatedRequestParams, Prompt, PromptArgument, PromptMessage, Role,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::cancellation::Cancellation;
use crate::long::{self, LongAnswers, MORE};
use crate::prompt::OfferedPrompt;
use crate::tool::{CheckedArguments, OfferedTool};
use crate::{ToolReply, Toolbox};

/// Why a server ended without having served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system gave no threads or no file descriptors.
    #[error("the server could not start: {0}")]
    NotStarted(#[from] std::io::Error),
    /// The client is none, or speaks no revision of the protocol that the server knows.
    #[error("the client did not open the protocol: {0}")]
    NotOpened(Box<ServerInitializeError>),
}

/// Serves until the standard input ends, or until `stop` is cancelled. Running calls are cancelled
/// then, and waited for.
///
/// # Errors
///
/// If the server cannot start, or if what writes to its standard input is no client.
pub fn serve(toolbox: impl Toolbox, stop: &Cancellation) -> Result<(), ServeError> {
    let calls = RunningCalls::default();
    let server = Server {
        tools: toolbox.tools().into_iter().chain([long::more()]).collect(),
        prompts: toolbox.prompts(),
        toolbox: Arc::new(toolbox),
        long_answers: LongAnswers::default(),
        calls: calls.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(serve_stdio(server, stop));
    calls.wait();
    // Where the standard input is no pipe, a thread may still wait for it.
    runtime.shutdown_background();
    ended
}

async fn serve_stdio(server: Server, stop: &Cancellation) -> Result<(), ServeError> {
    let token = CancellationToken::new();
    let stopped = token.clone();
    stop.on_cancel(move || stopped.cancel());
    let (input, output) = stdio_pipes();
    let input = EndingInput { input, ended: token.clone() };
    match server.serve_with_ct((input, output), token).await {
        Ok(running) => drop(running.waiting().await),
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {}
        Err(error) => return Err(ServeError::NotOpened(Box::new(error))),
    }
    Ok(())
}

/// The standard input. Its end cancels all calls at once: rmcp would first wait for their results,
/// which nobody reads.
struct EndingInput<I> {
    input: I,
    ended: CancellationToken,
}

impl<I: AsyncRead + Unpin> AsyncRead for EndingInput<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.input).poll_read(context, buffer);
        if read.is_ready() && buffer.filled().len() == before {
            self.ended.cancel();
        }
        read
    }
}

/// The threads of all calls that may still run.
#[derive(Clone, Default)]
struct RunningCalls(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl RunningCalls {
    /// Runs this on a thread of its own.
    fn start(&self, call: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().spawn(call)?;
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Waits until all have ended.
    fn wait(&self) {
        let threads = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A panic was already printed, and answered.
            let _ = thread.join();
        }
    }
}

struct Server {
    toolbox: Arc<dyn Toolbox>,
    tools: Vec<OfferedTool>,
    prompts: Vec<OfferedPrompt>,
    long_answers: LongAnswers,
    calls: RunningCalls,
}

impl Server {
    /// RunningCalls a tool, with a cancellation of the request passed on.
    async fn call(
        &self,
        tool: &'static str,
        arguments: CheckedArguments,
        cancelled: CancellationToken,
    ) -> ToolReply {
        let (sender, mut reply) = oneshot::channel();
        let (toolbox, cancellation) = (Arc::clone(&self.toolbox), Cancellation::default());
        let asked = cancellation.clone();
        let started = self.calls.start(move || {
            let _ = sender.send(toolbox.call(tool, &arguments, &asked));
        });
        if let Err(error) = started {
            return failed(format!("`{tool}` could not start: {error}"));
        }
        let ended = tokio::select! {
            ended = &mut reply => ended,
            () = cancelled.cancelled() => {
                cancellation.cancel();
                reply.await
            }
        };
        ended.unwrap_or_else(|_| failed(format!("`{tool}` ended without an answer: this is a bug")))
    }

    /// What a tool answers, marked and cut.
    async fn answer(
        &self,
        tool: &OfferedTool,
        arguments: CheckedArguments,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        if tool.name == MORE {
            return match self.long_answers.part(arguments.text("cursor").unwrap_or_default()) {
                Ok(part) => result(part, false),
                Err(error) => self.marked(failed(error)),
            };
        }
        self.marked(self.call(tool.name, arguments, cancelled).await)
    }

    fn marked(&self, reply: ToolReply) -> CallToolResult {
        result(self.long_answers.answer(reply.text), reply.is_error)
    }
}

fn failed(text: String) -> ToolReply {
    ToolReply { text, is_error: true }
}

fn result(text: String, is_error: bool) -> CallToolResult {
    let content = vec![ContentBlock::text(text)];
    if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().build();
        let (name, version) = self.toolbox.implementation();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(name, version))
            .with_instructions(self.toolbox.instructions())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.iter().map(described).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.tools.iter().find(|tool| tool.name == request.name) else {
            let error = format!("there is no tool `{}`", request.name);
            return Err(ErrorData::invalid_params(error, None));
        };
        let result = match tool.check(request.arguments.unwrap_or_default()) {
            Ok(arguments) => self.answer(tool, arguments, context.ct).await,
            Err(error) => self.marked(failed(error)),
        };
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let listed = self.prompts.iter().map(|prompt| {
            let blanks = prompt
                .blanks
                .iter()
                .map(|blank| PromptArgument::new(blank.name).with_description(&*blank.description));
            Prompt::new(prompt.name, Some(&*prompt.description), Some(blanks.collect()))
        });
        Ok(ListPromptsResult::with_all_items(listed.collect()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let refused = |error| ErrorData::invalid_params(error, None);
        let prompt = self.prompts.iter().find(|prompt| prompt.name == request.name);
        let prompt =
            prompt.ok_or_else(|| refused(format!("there is no prompt `{}`", request.name)))?;
        let text = prompt.filled(&request.arguments.unwrap_or_default()).map_err(refused)?;
        let message = PromptMessage::new_text(Role::User, text);
        Ok(GetPromptResult::new(vec![message]).with_description(&*prompt.description).into())
    }
}

/// A tool as the protocol describes it, with every annotation: those that are missing count as
/// dangerous.
fn described(tool: &OfferedTool) -> Tool {
    let effect = tool.effect;
    let annotations = ToolAnnotations::new()
        .read_only(effect.is_read_only)
        .destructive(effect.is_destructive)
        .idempotent(effect.is_idempotent)
        .open_world(effect.is_open_world);
    Tool::new(tool.name, tool.description, tool.schema())
        .with_title(tool.title)
        .with_annotations(annotations)
}
