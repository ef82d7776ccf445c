import { type GraphField, type GraphType, ROOTS } from '../graph/supergraph';
import { Prose } from '../panel/prose';
import { MarkSign } from './mark';
import { fieldAccess, ownerOf } from './permissions';
import type { SchemaChange } from './report';
import { UsedBy } from './report-list';
import type { GraphSelection } from './selection';

interface Props {
  type: GraphType;
  field: GraphField | undefined;
  /** All types of the map. */
  types: GraphType[];
  /** What the opened report says about the type and its fields. */
  changes: SchemaChange[];
  onChoose: (chosen: GraphSelection) => void;
  onClose: () => void;
}

/** Describes the selected type or field: its type, its subgraph, and who has access. */
export function Details({ type, field, types, changes, onChoose, onClose }: Props) {
  const name = field ? `${type.name}.${field.name}` : type.name;
  return (
    <section className="map-details" aria-label="Selection">
      <div className="map-details-title">
        <h3>
          <code>{name}</code>
        </h3>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
      <Changes changes={changes.filter((change) => change.field === field?.name)} />
      {field ? (
        <FieldDetails type={type} field={field} types={types} onChoose={onChoose} />
      ) : (
        <TypeDetails type={type} onChoose={onChoose} />
      )}
    </section>
  );
}

function Changes({ changes }: { changes: SchemaChange[] }) {
  return changes.map((change) => (
    <div
      key={`${change.kind} ${change.path} ${change.message}`}
      className="map-change"
      data-level={change.level}
    >
      <p>
        <MarkSign mark={change} /> <Prose text={change.message} />
      </p>
      {change.reason && <p className="map-quiet">{change.reason}</p>}
      <UsedBy change={change} />
    </div>
  ));
}

function FieldDetails({
  type,
  field,
  types,
  onChoose,
}: Pick<Props, 'type' | 'types' | 'onChoose'> & { field: GraphField }) {
  const access = fieldAccess(type.name, field.name);
  const owner = ownerOf(type.name);
  return (
    <>
      {field.type && (
        <p>
          Type: <TypeLink text={field.type} of={field.namedType} types={types} onChoose={onChoose} />
        </p>
      )}
      <ResolvedBy subgraphs={field.subgraphs} />
      <Description text={field.description} />
      {access && (
        <>
          <h4>Access</h4>
          <p>
            <Prose text={access.means} />
          </p>
          {owner && !ROOTS.includes(type.name) && <p className="map-quiet">The owner is {owner}.</p>}
          {access.exceptions.map(({ through, means }) => (
            <p key={through} className="map-quiet">
              Through <code>{through}</code>: <Prose text={means} />
            </p>
          ))}
        </>
      )}
      {field.args.length > 0 && (
        <>
          <h4>Arguments</h4>
          <dl>
            {field.args.map((argument) => (
              <div key={argument.name}>
                <dt>
                  <code>
                    {argument.name}: {argument.type}
                  </code>
                </dt>
                <dd>
                  <Prose text={argument.description} />
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
      <p>
        <button
          type="button"
          className="map-link"
          onClick={() => onChoose({ type: type.name, field: undefined })}
        >
          Show {type.name}
        </button>
      </p>
    </>
  );
}

function TypeDetails({ type, onChoose }: Pick<Props, 'type' | 'onChoose'>) {
  return (
    <>
      {type.owner ? (
        <p>
          Owned by{' '}
          <strong className="map-subgraph" data-subgraph={type.owner}>
            {type.owner}
          </strong>
          {type.key && `, key ${type.key}`}
        </p>
      ) : (
        <ResolvedBy subgraphs={type.subgraphs} />
      )}
      <Description text={type.description} />
      {ownerOf(type.name) && <p className="map-quiet">Its owner is {ownerOf(type.name)}.</p>}
      <ul className="map-fields">
        {type.fields.map((field) => (
          <li key={field.name}>
            <button
              type="button"
              className="map-link"
              onClick={() => onChoose({ type: type.name, field: field.name })}
            >
              {field.name}
            </button>{' '}
            <code className="map-quiet">{field.type}</code>{' '}
            {field.subgraphs.length === 1 && type.key && (
              <span className="map-subgraph" data-subgraph={field.subgraphs[0]}>
                {field.subgraphs[0]}
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function ResolvedBy({ subgraphs }: { subgraphs: string[] }) {
  if (subgraphs.length === 0) return null;
  return (
    <p>
      Resolved by{' '}
      {subgraphs.map((subgraph) => (
        <strong key={subgraph} className="map-subgraph" data-subgraph={subgraph}>
          {subgraph}{' '}
        </strong>
      ))}
    </p>
  );
}

function Description({ text }: { text: string }) {
  if (!text) return null;
  return (
    <p>
      <Prose text={text} />
    </p>
  );
}

function TypeLink({
  text,
  of,
  types,
  onChoose,
}: Pick<Props, 'types' | 'onChoose'> & { text: string; of: string }) {
  if (!types.some(({ name }) => name === of)) return <code>{text}</code>;
  return (
    <button type="button" className="map-link" onClick={() => onChoose({ type: of, field: undefined })}>
      {text}
    </button>
  );
}
