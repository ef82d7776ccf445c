import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { useSearchParams } from 'wouter';
import { CatalogueDocument, type CourseFilter, type CourseLevel, type CourseOrder } from '../gql/graphql';
import { CardSkeletons, CourseCard } from '../parts/course-card';
import { Mosaic } from '../parts/cover';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, More } from '../parts/states';
import { LEVELS, number } from '../parts/words';

const PAGE = 12;
const TYPING_PAUSE_MS = 250;
/** The server looks for so many words at once. */
const MAX_WORDS = 6;

const ORDERS: Record<CourseOrder, string> = {
  NEWEST: 'Newest first',
  OLDEST: 'Oldest first',
  PRICE: 'Cheapest first',
  TITLE: 'By title',
};
const PRICES: Record<string, [label: string, filter: CourseFilter]> = {
  '': ['Any price', {}],
  free: ['Free', { isFree: true }],
  '25': ['Up to €25', { maxPrice: '25' }],
  '50': ['Up to €50', { maxPrice: '50' }],
  paid: ['Paid', { isFree: false }],
};

/** The shop window. What is searched is in the address, so that it can be shared and gone back to. */
export function Catalogue() {
  const [parameters, setParameters] = useSearchParams();
  const search = parameters.get('q') ?? '';
  const levels = parameters.getAll('level').filter((level): level is CourseLevel => level in LEVELS);
  const wantedPrice = parameters.get('price') ?? '';
  const price = wantedPrice in PRICES ? wantedPrice : '';
  const wantedOrder = parameters.get('sort') ?? '';
  const orderBy = wantedOrder in ORDERS ? (wantedOrder as CourseOrder) : 'NEWEST';

  function change(edit: (next: URLSearchParams) => void) {
    setParameters(
      (before) => {
        const next = new URLSearchParams(before);
        edit(next);
        return next;
      },
      { replace: true },
    );
  }
  function put(name: string, value: string) {
    change((next) => (value ? next.set(name, value) : next.delete(name)));
  }
  function toggle(level: CourseLevel) {
    change((next) => (next.has('level', level) ? next.delete('level', level) : next.append('level', level)));
  }

  const words = search.trim().split(/\s+/).slice(0, MAX_WORDS).join(' ');
  const filter: CourseFilter = {
    ...(words ? { words } : {}),
    ...(levels.length > 0 ? { levels } : {}),
    ...PRICES[price]?.[1],
  };
  return (
    <>
      <section className="hero">
        <div className="hero-words">
          <PageTitle name="Catalogue">Learn something worth keeping.</PageTitle>
          <p className="lead">Courses by people who do the work. Buy once, go at your own pace.</p>
          <SearchBox value={search} onChange={(text) => put('q', text)} />
        </div>
        <div className="hero-art">
          <Mosaic seed="A walk in the Lyceum" columns={5} rows={4} />
        </div>
      </section>
      <section className="filters" aria-label="Filters">
        <fieldset className="chips">
          <legend className="visually-hidden">Level</legend>
          {(Object.keys(LEVELS) as CourseLevel[]).map((level) => (
            <label key={level} className="chip">
              <input type="checkbox" checked={levels.includes(level)} onChange={() => toggle(level)} />
              {LEVELS[level]}
            </label>
          ))}
        </fieldset>
        <div className="selects">
          <label className="select">
            <span className="visually-hidden">Price</span>
            <select value={price} onChange={(event) => put('price', event.target.value)}>
              {Object.entries(PRICES).map(([value, [label]]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label className="select">
            <span className="visually-hidden">Order</span>
            <select
              value={orderBy}
              onChange={(event) => put('sort', event.target.value === 'NEWEST' ? '' : event.target.value)}
            >
              {Object.entries(ORDERS).map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </div>
      </section>
      <Results
        key={JSON.stringify([filter, orderBy])}
        filter={filter}
        orderBy={orderBy}
        onReset={() => setParameters(new URLSearchParams(), { replace: true })}
      />
    </>
  );
}

/** Follows the address, and changes it when typing pauses. */
function SearchBox({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the pause.
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <search>
      <form
        className="search"
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text);
        }}
      >
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search courses"
          placeholder="What do you want to learn?"
          maxLength={200}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </form>
    </search>
  );
}

interface ResultsProps {
  filter: CourseFilter;
  orderBy: CourseOrder;
  onReset: () => void;
}

function Results({ filter, orderBy, onReset }: ResultsProps) {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }, reload] = useQuery({
    query: CatalogueDocument,
    variables: { filter, orderBy, first: PAGE, after },
  });
  const courses = data?.courses;
  if (error && !courses)
    return <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />;
  if (!courses)
    return (
      <div className="grid" aria-busy="true">
        <p role="status" className="visually-hidden">
          Loading courses…
        </p>
        <CardSkeletons count={6} />
      </div>
    );
  if (courses.nodes.length === 0)
    return (
      <Empty title="Nothing here by that name.">
        <p>Try fewer words, or look at everything there is.</p>
        <button type="button" className="button primary" onClick={onReset}>
          Show all courses
        </button>
      </Empty>
    );
  const { totalCount } = courses;
  return (
    <>
      <p className="count" role="status">
        {totalCount === null ? 'Courses' : totalCount === 1 ? '1 course' : `${number(totalCount)} courses`}
      </p>
      <div className="grid">
        {courses.nodes.map((course) => (
          <CourseCard key={course.id} course={course} />
        ))}
      </div>
      {courses.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(courses.pageInfo.endCursor)} />
      )}
    </>
  );
}
