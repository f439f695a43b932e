//! An object store around another that fails when it is told to: the n-th put, get, delete or list, before or after it was done.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

/// A call that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Put,
    Get,
    Delete,
    List,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was done.
    Before,
    /// It was done, and the answer was lost.
    After,
    /// A put that wrote the first half; the same as `Before` for other calls.
    Torn,
    /// Nothing is done and no answer ever comes.
    Never,
}

#[derive(Debug, Default)]
struct Plan {
    made: Vec<Call>,
    /// What was asked to be put, in order.
    keys: Vec<String>,
    /// Call, its number from the first on, and what becomes of it; `None`: all from here on.
    faults: Vec<(Call, Option<usize>, Fault)>,
}

impl Plan {
    /// Counts a call and says whether it fails.
    fn next(&mut self, call: Call) -> Option<Fault> {
        self.made.push(call);
        let number = self.count(call);
        let planned = |(of, nth, _): &&(Call, Option<usize>, Fault)| {
            *of == call && nth.is_none_or(|nth| nth == number)
        };
        self.faults.iter().find(planned).map(|(.., fault)| *fault)
    }

    fn count(&self, call: Call) -> usize {
        self.made.iter().filter(|made| **made == call).count()
    }
}

/// The object store that fails. Clones share the plan.
#[derive(Debug, Clone)]
pub struct FaultyObjects {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyObjects {
    /// Around this store; nothing fails yet.
    pub fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// Fails the `nth` such call from now on; 1 is the next.
    pub fn fail(&self, call: Call, nth: usize, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        let number = plan.count(call) + nth;
        plan.faults.push((call, Some(number), fault));
    }

    /// Fails every such call from now on.
    pub fn fail_all(&self, call: Call, fault: Fault) {
        self.plan.lock().unwrap().faults.push((call, None, fault));
    }

    /// Lets everything succeed again.
    pub fn mend(&self) {
        self.plan.lock().unwrap().faults.clear();
    }

    /// How many such calls were made.
    pub fn count(&self, call: Call) -> usize {
        self.plan.lock().unwrap().count(call)
    }

    /// The keys of all puts so far, in order.
    pub fn put_keys(&self) -> Vec<String> {
        self.plan.lock().unwrap().keys.clone()
    }

    /// Counts a call; `Ok(true)`: to be done, and then to fail.
    async fn enter(&self, call: Call) -> Result<bool, Fault> {
        let fault = self.plan.lock().unwrap().next(call);
        match fault {
            None => Ok(false),
            Some(Fault::After) => Ok(true),
            Some(Fault::Never) => std::future::pending().await,
            Some(fault) => Err(fault),
        }
    }
}

fn injected() -> Error {
    Error::Generic {
        store: "FaultyObjects",
        source: "a fault of the test".into(),
    }
}

fn answer<T>(done: T, lost: bool) -> Result<T> {
    if lost { Err(injected()) } else { Ok(done) }
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyObjects({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        assert_eq!(options.mode, PutMode::Overwrite, "a conditional put");
        self.plan.lock().unwrap().keys.push(location.to_string());
        match self.enter(Call::Put).await {
            Ok(lost) => answer(self.inner.put_opts(location, payload, options).await?, lost),
            Err(Fault::Torn) => {
                let whole = bytes::Bytes::from(payload);
                let half = whole.slice(..whole.len() / 2);
                self.inner.put_opts(location, half.into(), options).await?;
                Err(injected())
            }
            Err(_) => Err(injected()),
        }
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        panic!("blobs are put whole");
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let lost = self.enter(Call::Get).await.map_err(|_| injected())?;
        answer(self.inner.get_opts(location, options).await?, lost)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations
            .then(move |location| {
                let this = this.clone();
                async move {
                    let location = location?;
                    let lost = this.enter(Call::Delete).await.map_err(|_| injected())?;
                    this.inner.delete(&location).await?;
                    answer(location, lost)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let this = self.clone();
        let objects = self.inner.list(prefix);
        futures_util::stream::once(async move {
            match this.enter(Call::List).await {
                Ok(false) => objects,
                // What it lists comes, and then the connection breaks.
                Ok(true) => objects
                    .chain(futures_util::stream::once(async { Err(injected()) }))
                    .boxed(),
                Err(_) => futures_util::stream::once(async { Err(injected()) }).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let lost = self.enter(Call::List).await.map_err(|_| injected())?;
        answer(self.inner.list_with_delimiter(prefix).await?, lost)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        panic!("blobs are not copied");
    }
}
