/** A table of any length: pages are fetched as they come into view, and only the rows in view are drawn. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { tableFeatures, useTable, type ColumnDef, type RowData } from '@tanstack/react-table';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Page } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { Failed, Loading } from './parts.js';

export const features = tableFeatures({});
export type Column<T extends RowData> = ColumnDef<typeof features, T>;

/** Pages of a list, each after the last row of the one before. */
export function usePages<T>(path: string, body: object, refreshMs: number | false = false) {
  const query = useInfiniteQuery({
    queryKey: [path, body],
    queryFn: ({ pageParam, signal }) =>
      read<Page<T>>(path, { ...body, ...(pageParam === '' ? {} : { after: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 3 ? false : refreshMs),
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  return { query, rows };
}

interface RowsProps<T extends RowData> {
  readonly name: string;
  readonly path: string;
  readonly body: object;
  readonly columns: Column<T>[];
  readonly empty: ReactNode;
  readonly refreshMs?: number | false;
}

/** Px: two lines of text; on a phone the second column goes below the first. */
const rowHeights = { wide: 54, narrow: 76 };
const isNarrow = matchMedia('(max-width: 820px)');

export function Rows<T extends { readonly id: string }>({
  name,
  path,
  body,
  columns,
  empty,
  refreshMs = false,
}: RowsProps<T>) {
  const { query, rows } = usePages<T>(path, body, refreshMs);
  const table = useTable({ features, columns, data: rows, getRowId: (row: T) => row.id });
  const top = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  const rowHeight = isNarrow.matches ? rowHeights.narrow : rowHeights.wide;
  useLayoutEffect(() => setOffset(top.current?.offsetTop ?? 0), [rows.length]);
  const models = table.getRowModel().rows;
  const virtual = useWindowVirtualizer({
    count: models.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: offset,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (last >= models.length - 20 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [last, models.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (query.isPending) return <Loading lines={6} />;
  if (query.isError && rows.length === 0) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  if (rows.length === 0) return empty;
  const width = `repeat(${columns.length}, minmax(0, 1fr))`;
  return (
    <div ref={top} role="table" aria-label={name} aria-rowcount={hasNextPage ? -1 : rows.length} className="rows">
      <div role="rowgroup" className="rows-head">
        {table.getHeaderGroups().map((group) => (
          <div key={group.id} role="row" className="rows-row" style={{ gridTemplateColumns: width }}>
            {group.headers.map((header) => (
              <div key={header.id} role="columnheader">
                <table.FlexRender header={header} />
              </div>
            ))}
          </div>
        ))}
      </div>
      <div role="rowgroup" className="rows-body" style={{ height: virtual.getTotalSize() }}>
        {shown.map(({ index, start }) => {
          const row = models[index];
          if (row === undefined) return null;
          return (
            <div
              key={row.id}
              role="row"
              aria-rowindex={index + 1}
              className="rows-row"
              style={{ gridTemplateColumns: width, height: rowHeight, transform: `translateY(${start - offset}px)` }}
            >
              {row.getAllCells().map((cell) => (
                <div key={cell.id} role="cell" className="clip">
                  <table.FlexRender cell={cell} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
      {isFetchingNextPage && <Loading lines={2} />}
    </div>
  );
}
