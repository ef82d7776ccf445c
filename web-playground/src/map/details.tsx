import { type GraphField, type GraphType, graphTypes, ROOTS } from '../graph/supergraph';
import { Prose } from '../shell/prose';
import type { Chosen } from './graph-map';
import { audienceOf, ownerOf } from './permissions';

interface Props {
  type: GraphType;
  field: GraphField | undefined;
  onChoose: (chosen: Chosen) => void;
  onClose: () => void;
}

/** What the chosen type or field is, whose it is, and who may see it. */
export function Details({ type, field, onChoose, onClose }: Props) {
  const name = field ? `${type.name}.${field.name}` : type.name;
  return (
    <section className="map-details" aria-label="Chosen">
      <div className="map-details-title">
        <h3>
          <code>{name}</code>
        </h3>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
      {field ? (
        <FieldDetails type={type} field={field} onChoose={onChoose} />
      ) : (
        <TypeDetails type={type} onChoose={onChoose} />
      )}
    </section>
  );
}

function FieldDetails({ type, field, onChoose }: Pick<Props, 'type' | 'onChoose'> & { field: GraphField }) {
  const audience = audienceOf(type.name, field.name);
  const owner = ownerOf(type.name);
  return (
    <>
      {field.type && (
        <p>
          Type: <TypeLink text={field.type} of={field.of} onChoose={onChoose} />
        </p>
      )}
      <Resolved subgraphs={field.subgraphs} />
      <Description text={field.description} />
      {audience && (
        <>
          <h4>Who may see it</h4>
          <p>
            <Prose text={audience.means} />
          </p>
          {owner && !ROOTS.includes(type.name) && <p className="map-quiet">The owner is {owner}.</p>}
          {audience.exceptions.map(({ through, means }) => (
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
          All of {type.name}
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
          Comes from{' '}
          <strong className="map-subgraph" data-subgraph={type.owner}>
            {type.owner}
          </strong>
          {type.key && `, joined by ${type.key}`}
        </p>
      ) : (
        <Resolved subgraphs={type.subgraphs} />
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

function Resolved({ subgraphs }: { subgraphs: string[] }) {
  if (subgraphs.length === 0) return null;
  return (
    <p>
      In{' '}
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

function TypeLink({ text, of, onChoose }: { text: string; of: string; onChoose: Props['onChoose'] }) {
  if (!graphTypes.some(({ name }) => name === of)) return <code>{text}</code>;
  return (
    <button type="button" className="map-link" onClick={() => onChoose({ type: of, field: undefined })}>
      {text}
    </button>
  );
}
