/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that mingw-w64's headers declare with other arguments than they have: read before all
 * headers, so that these count. i386 import libraries tell how many bytes of arguments there are.
 */
#include "annotations.h"

typedef struct IPSEC_SA_CONTEXT1_ IPSEC_SA_CONTEXT1;
typedef struct _DHCPV6CAPI_CLASSID *LPDHCPV6CAPI_CLASSID;
typedef struct _DHCPV6PrefixLeaseInformation *LPDHCPV6PrefixLeaseInformation;
typedef struct ID3DXFileData *LPD3DXFILEDATA;
typedef struct ID3DXBuffer *LPD3DXBUFFER;
typedef struct ID3DXPatchMesh *LPD3DXPATCHMESH;
typedef struct IDirect3DDevice9 *LPDIRECT3DDEVICE9;

BOOL WINAPI AlignReservedLog(PVOID pvMarshal, ULONG cReservedRecords, _In_reads_(cReservedRecords) const LONGLONG *rgcbReservation, _Out_ PLONGLONG pcbAlignReservation);
DWORD WINAPI IPsecSaContextUpdate0(HANDLE engineHandle, UINT64 flags, _In_ const IPSEC_SA_CONTEXT1 *newValues);
DWORD WINAPI Dhcpv6RenewPrefix(LPWSTR adapterName, LPDHCPV6CAPI_CLASSID classId, _Inout_ LPDHCPV6PrefixLeaseInformation prefixleaseInfo, _Out_ DWORD *pdwTimeToWait, DWORD bValidateServer);
HRESULT WINAPI D3DXLoadPatchMeshFromXof(LPD3DXFILEDATA pXofObjMesh, DWORD Options, LPDIRECT3DDEVICE9 pDevice, _Out_ LPD3DXBUFFER *ppMaterials, _Out_ LPD3DXBUFFER *ppEffectInstances, _Out_ PDWORD pNumMaterials, _Out_ LPD3DXPATCHMESH *ppMesh);
